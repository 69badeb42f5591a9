import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Express, Request } from "express";
import { MemoryStore, type SessionData } from "express-session";
import type { LogoutError, LogoutMiddleware } from "../../lib/index.js";
import { Browser } from "../support/http.js";
import { destroy, save } from "../support/race-app.js";
import { signedCookie, useSites, type Site } from "../support/site.js";
import { BACKENDS } from "../support/stores.js";

const open = useSites();

/** Changes the session id without `regenerate()`. */
async function rotateByHand(req: Request): Promise<void> {
  const { userId } = req.session;
  await destroy(req);
  (req.sessionStore as unknown as { generate(req: Request): void }).generate(req);
  req.session.userId = userId;
  await save(req);
}

const after = (app: Express, auth: LogoutMiddleware): void => {
  app.post("/rotate", (req, res, next) => {
    rotateByHand(req).then(() => res.json({}), next);
  });
  app.get("/current", (req, res, next) => {
    auth.currentLogin(req).then((login) => res.json({ id: login?.id }), next);
  });
};
const idOf = async (browser: Browser): Promise<string> => ((await browser.get("/current")).body as { id: string }).id;

describe.each(BACKENDS.map((backend) => backend()))("kickAll with except on $name", (backend) => {
  beforeAll(() => backend.start());
  afterAll(() => backend.stop());

  /** Two nodes of one app, or one twice if the store is in its memory. */
  async function openTwo(): Promise<readonly [Site, Site]> {
    const node = backend.open();
    const first = await open({ backend, after, auth: node });
    if (!backend.isShared) return [first, first];
    return [first, await open({ backend, after, auth: { ...backend.open(node), appId: first.appId } })];
  }
  const users = (sites: readonly Site[], browsers: readonly Browser[]) =>
    Promise.all(sites.flatMap((site) => browsers.map((browser) => site.user(browser.clone(site.url)))));

  it("leaves the administrator logged in, and no one else", async () => {
    const sites = await openTwo();
    const [here, there] = sites;
    const admin = await here.login("admin");
    const others = [await there.login("admin"), await here.login("alice"), await there.login("bob")];
    const progress: unknown[] = [];
    const kick = await there.auth.kickAll({
      except: [await idOf(admin)],
      reason: "an incident",
      onProgress: (step) => progress.push(step),
    });
    expect(kick).toEqual({ users: 3, logins: 3 });
    expect(progress.at(-1)).toEqual({ done: 3, total: 3 });
    expect(await users(sites, [admin, ...others])).toEqual(["admin", null, null, null, "admin", null, null, null]);

    const id = await idOf(admin);
    await admin.post("/rotate");
    expect(await users(sites, [admin])).toEqual(["admin", "admin"]);
    expect(await idOf(admin)).toBe(id);
    expect((await there.auth.listActiveUsers()).items.map(({ userId }) => userId)).toEqual(["admin"]);

    expect(await here.auth.kickAll()).toEqual({ users: 1, logins: 1 });
    expect(await users(sites, [admin])).toEqual([null, null]);
  });
});

describe("kickAll with except", () => {
  it("ends sessions that are older than the installation, of the user who stays too", async () => {
    const store = new MemoryStore();
    const bareSet = store.set.bind(store);
    const site = await open({ after, auth: { store } });
    const admin = await site.login("admin");
    const cookie = { originalMaxAge: 60_000, expires: new Date(Date.now() + 60_000), path: "/" };
    const write = promisify((sid: string, userId: string, done: (error?: unknown) => void) => {
      bareSet(sid, { cookie, userId } as object as SessionData, done);
    });
    const old = await Promise.all(
      ["admin", "alice"].map(async (userId) => {
        await write(`old ${userId}`, userId);
        const [name = "", value = ""] = signedCookie(`old ${userId}`).split("=");
        return new Browser(site.url).withCookie(name, value);
      }),
    );
    await site.auth.kickAll({ except: [await idOf(admin)] });
    expect(await Promise.all([admin, ...old].map((browser) => site.user(browser)))).toEqual(["admin", null, null]);
  });

  it("can be stopped, and repeated", async () => {
    const site = await open({ after });
    const admin = await site.login("admin");
    const alice = await site.login("alice");
    const except = [await idOf(admin)];
    const stopping = new AbortController();
    stopping.abort(new Error("enough"));
    await expect(site.auth.kickAll({ except, signal: stopping.signal })).rejects.toThrow("enough");
    expect(await site.user(alice)).toBe("alice");
    expect(await site.auth.kickAll({ except })).toEqual({ users: 1, logins: 1 });
    expect(await site.auth.kickAll({ except })).toEqual({ users: 0, logins: 0 });
    expect([await site.user(admin), await site.user(alice)]).toEqual(["admin", null]);
  });

  it.each<[string, unknown]>([
    ["one id in place of several", "a".repeat(22)],
    ["what are no ids", ["here"]],
    ["too many ids", Array.from({ length: 1_001 }, () => "a".repeat(22))],
    ["null", null],
  ])("refuses %s, and ends no login", async (_name, except) => {
    const site = await open();
    const alice = await site.login("alice");
    const error = await site.auth.kickAll({ except: except as string[] }).catch((each: unknown) => each as LogoutError);
    expect(error).toMatchObject({
      code: "ERR_ARGUMENT_INVALID",
      message: "except must be an array of at most 1,000 ids of logins that stay.",
    });
    expect(await site.user(alice)).toBe("alice");
  });
});
