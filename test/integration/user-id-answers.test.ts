import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Express } from "express";
import type { LogoutOptions } from "../../lib/index.js";
import { Browser } from "../support/http.js";
import { save } from "../support/race-app.js";
import { useSites } from "../support/site.js";
import { BACKENDS } from "../support/stores.js";

/** Functions that return another id each time they are asked for the same session. */
const UNSTEADY: Readonly<Record<string, () => NonNullable<LogoutOptions["userId"]>>> = {
  "by turns": () => {
    let turns = 0;
    return ({ userId }) => (typeof userId === "string" ? `${userId}${String((turns += 1) % 2)}` : undefined);
  },
  "at random": () => {
    return ({ userId }) => (typeof userId === "string" ? `${userId}${String(Math.random())}` : undefined);
  },
};

describe.each(BACKENDS.map((make) => [make().name, make] as const))("a userId function, on %s", (_name, make) => {
  const backend = make();
  beforeAll(() => backend.start());
  afterAll(() => backend.stop());
  const openSite = useSites();

  it.each(Object.keys(UNSTEADY))(
    "with a changing result causes an error, and other users are served: %s",
    async (way) => {
      const { store, registry } = backend.open();
      const site = await openSite({ auth: { store, registry, userId: UNSTEADY[way]?.() } });
      const { status, body } = await new Browser(site.url).post("/login", { user: "alice" });
      expect([status, body]).toEqual([500, { error: "ERR_USER_ID_INVALID" }]);
      expect((await new Browser(site.url).get("/me")).status).toBe(200);
      expect((await site.auth.listActiveUsers()).total).toBe(0);
    },
  );

  it("may return the administrator of a session that shows a customer's account", async () => {
    const { store, registry } = backend.open();
    const after = (app: Express): void => {
      app.post("/become/:user", (req, res, next) => {
        const { userId } = req.session;
        Object.assign(req.session, { adminId: userId, userId: req.params.user });
        save(req).then(() => res.json({}), next);
      });
      app.post("/back", (req, res, next) => {
        const { adminId } = req.session as { adminId?: string };
        if (adminId === undefined) {
          res.sendStatus(403);
          return;
        }
        Object.assign(req.session, { userId: adminId, adminId: undefined });
        save(req).then(() => res.json({}), next);
      });
    };
    const userId = (session: { adminId?: string; userId?: string }) => session.adminId ?? session.userId;
    const site = await openSite({ auth: { store, registry, userId: userId as LogoutOptions["userId"] }, after });
    const browser = await site.login("root");
    await browser.post("/become/alice");
    expect(await site.user(browser)).toBe("alice");
    const logins = ["root", "alice"].map(async (user) => (await site.auth.listLogins(user)).total);
    expect(await Promise.all(logins)).toEqual([1, 0]);
    expect(await site.auth.kick("root")).toEqual({ users: 1, logins: 1 });
    const back = await browser.clone().post("/back");
    expect([back.status, await site.user(browser)]).toEqual([401, null]);
  });
});
