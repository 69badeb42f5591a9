import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import Database from "better-sqlite3";
import type { Express, Request } from "express";
import { MemoryStore } from "express-session";
import { logout, LogoutError, MemoryLoginRegistry, type Finding, type LogoutMiddleware } from "../../lib/index.js";
import type { LoginRegistry } from "../../lib/registry/index.js";
import { RedisLoginRegistry } from "../../lib/registry/redis/index.js";
import { SqliteLoginRegistry } from "../../lib/registry/sqlite/index.js";
import { Browser } from "../support/http.js";
import { MinimalStore } from "../support/odd-stores.js";
import { save } from "../support/race-app.js";
import { useSites } from "../support/site.js";

declare const EXPRESS_MAJOR: string;

const openSite = useSites();

const base = { appId: "shop" };

/** The finding about this. */
const about = (findings: readonly Finding[], what: string): Finding | undefined =>
  findings.find((finding) => finding.what.startsWith(what));

function addRoutes(app: Express, auth: LogoutMiddleware): void {
  app.post("/keep", (req, res, next) => {
    const data = JSON.parse(String(req.headers["x-data"])) as object;
    Object.assign(req.session, data);
    save(req).then(() => res.json({}), next);
  });
  const report = (req: Request): Promise<readonly Finding[]> => auth.diagnose(req);
  app.get("/diagnose", (req, res, next) => {
    report(req).then((findings) => res.json(findings), next);
  });
  app.post("/diagnose", (req, res, next) => {
    req
      .on("data", () => undefined)
      .on("end", () => {
        report(req).then((findings) => res.json(findings), next);
      });
  });
}

describe("diagnose()", () => {
  it("reports the registry and the store, and that no session() has the store yet", async () => {
    const auth = logout({ ...base, store: new MemoryStore() });
    const findings = await auth.diagnose();
    expect(findings.map(({ level, what }) => [level, what])).toEqual([
      ["ok", "registry: in memory"],
      ["ok", "session store: MemoryStore"],
      ["error", "session()"],
    ]);
    expect(about(findings, "session store")?.why).toBe(
      "touch: yes, all: yes, touchesInBackground: yes, noticesMissingSessions: yes, kicksByScript: no.",
    );
  });

  it("reports that a registry in memory forgets logins whose sessions the store keeps", async () => {
    const auth = logout({ ...base, store: new MinimalStore(), registry: new MemoryLoginRegistry() });
    const findings = await auth.diagnose();
    expect(about(findings, "registry: lifetime")).toMatchObject({
      level: "warn",
      how: expect.stringMatching(/SqliteLoginRegistry.*RedisLoginRegistry/),
    });
    expect(about(findings, "session store: a store without fast paths")?.why).toContain("touch: no, all: no");
  });

  it("reports an SQLite file of a newer release, with both versions", async () => {
    const folder = mkdtempSync(join(tmpdir(), "express-logout-diagnose-"));
    const file = join(folder, "logins.db");
    const newer = new Database(file);
    newer.exec("CREATE TABLE express_logout_schema (version INTEGER NOT NULL, serves INTEGER NOT NULL)");
    newer.exec("INSERT INTO express_logout_schema VALUES (9, 9)");
    newer.close();
    const registry = new SqliteLoginRegistry({ database: file });
    try {
      const auth = logout({ ...base, store: new MinimalStore(), registry });
      expect(about(await auth.diagnose(), "registry")).toEqual({
        level: "error",
        what: "registry: shared",
        why: expect.stringMatching(/schema 9 is too new for this release, which needs \d+\. Upgrade/),
      });
    } finally {
      await registry.close();
      rmSync(folder, { recursive: true });
    }
  });

  it("reports why the registry is unavailable", async () => {
    const database = join(tmpdir(), "express-logout-no-such-folder", "logins.db");
    const client = { isReady: true, sendCommand: () => Promise.reject(new Error("connect ECONNREFUSED 127.0.0.1:1")) };
    const registries: [LoginRegistry, string][] = [
      [new SqliteLoginRegistry({ database }), "nable to open .*database"],
      [new RedisLoginRegistry({ client }), "connect ECONNREFUSED 127.0.0.1:1"],
    ];
    for (const [registry, why] of registries) {
      const auth = logout({ ...base, store: new MinimalStore(), registry });
      expect(about(await auth.diagnose(), "registry")).toMatchObject({
        level: "error",
        why: expect.stringMatching(new RegExp(`^Login registry unavailable: .*${why}.*\\.$`)),
        how: expect.stringContaining("can be opened and written"),
      });
    }
  });

  it("quotes no cause of a registry of another package, which may quote data", async () => {
    const find = (): Promise<never> => {
      const options = { cause: new Error("a secret") };
      return Promise.reject(new LogoutError("ERR_REGISTRY_UNAVAILABLE", "Unavailable: see the cause.", options));
    };
    const foreign = { init: () => undefined, find } as unknown as LoginRegistry;
    const auth = logout({ ...base, store: new MemoryStore(), registry: foreign });
    expect(about(await auth.diagnose(), "registry")?.why).toBe("Unavailable: see the cause.");
  });

  it("never rejects, and quotes no error of another package", async () => {
    const registry = new MemoryLoginRegistry();
    registry.find = () => Promise.reject(new TypeError("a secret"));
    const auth = logout({ ...base, store: new MemoryStore(), registry });
    // An object that is not a request of Express.
    const findings = await auth.diagnose(Object.create(null) as Request);
    expect(about(findings, "registry")).toMatchObject({ level: "error", why: "TypeError." });
    expect(about(findings, "session of the request")?.level).toBe("warn");
  });

  const SESSIONS: readonly (readonly [data: object, level: Finding["level"], what: string, why: string])[] = [
    [{ user: { _id: "x" } }, "ok", "user of the session: x, from session.user._id", "The session is a login."],
    [{ uid: 7 }, "ok", "user of the session: 7, from session.uid", "The session is a login."],
    [{ cart: 1 }, "ok", "user of the session: none", "The session is anonymous."],
    [{ accountId: "a secret" }, "warn", "user of the session: none", "look like a user's: accountId."],
  ];
  it.each(SESSIONS)("reports the user of a session, and the property: %j", async (data, level, what, why) => {
    const site = await openSite({ after: addRoutes });
    const browser = new Browser(site.url);
    await browser.post("/keep", {}, { "x-data": JSON.stringify(data) });
    const { body, text } = await browser.get("/diagnose");
    expect(about(body as Finding[], "user")).toMatchObject({ level, what, why: expect.stringContaining(why) });
    expect(text).not.toContain("secret");
  });

  it("reports an invalid result of the app's own function", async () => {
    const userId = ({ cart }: { readonly cart?: unknown }) => (cart === undefined ? undefined : {});
    const auth = { userId: userId as never };
    const site = await openSite({
      auth,
      after: (app, made) => {
        app.get("/diagnose", (req, res, next) => {
          Object.assign(req.session, { cart: 1 });
          made.diagnose(req).then((findings) => {
            Object.assign(req.session, { cart: undefined });
            res.json(findings);
          }, next);
        });
      },
    });
    const { body } = await new Browser(site.url).get("/diagnose");
    expect(about(body as Finding[], "user")).toMatchObject({
      level: "error",
      why: expect.stringContaining("an object"),
    });
  });

  it("reports that a kicked login was rejected", async () => {
    const site = await openSite({ auth: { onRejected: (_req, _res, next) => next() }, after: addRoutes });
    const browser = await site.login("alice");
    await site.auth.kick("alice");
    const { body } = await browser.get("/diagnose");
    expect(about(body as Finding[], "session of the request")).toMatchObject({ level: "warn", how: "Log in again." });
  });

  const WHOLE_PATHS = EXPRESS_MAJOR === "4" ? ["*", /.*/] : ["/{*splat}", /.*/];
  it.each(WHOLE_PATHS)("reports that the middleware is mounted by a pattern: %s", async (at) => {
    const site = await openSite({ at: at as string, after: addRoutes });
    const browser = await site.login("alice");
    expect((await browser.get("/u")).status).toBe(404);
    const { body } = await browser.get("/diagnose");
    expect(about(body as Finding[], "mount path")).toMatchObject({
      level: "error",
      how: expect.stringMatching(/app\.use\(auth\).*forRoutes\('\/'\)/),
    });
  });

  it.each(["", "/diagnose", "/:path"])("reports no problem with the mount path %j", async (at) => {
    const site = await openSite({ at, after: addRoutes });
    await site.ask("GET", `${at}/u`);
    const { body } = await new Browser(site.url).get("/diagnose");
    expect(about(body as Finding[], "mount path")).toBeUndefined();
  });

  it("reports a body that was read and not kept", async () => {
    const site = await openSite({ after: addRoutes });
    const { body } = await new Browser(site.url).post("/diagnose", { a: 1 });
    expect(about(body as Finding[], "body")?.level).toBe("warn");
  });
});
