import { afterEach, describe, expect, it } from "@jest/globals";
import express, { type ErrorRequestHandler, type Express } from "express";
import session, { MemoryStore } from "express-session";
import { logout, type LogoutMiddleware } from "../../lib/index.js";
import { Browser, serve, type TestServer } from "../support/http.js";
import { save } from "../support/race-app.js";

const lazy = { secret: "s", resave: false, saveUninitialized: false };
const json = { Accept: "application/json" };

interface Site {
  readonly name: string;
  readonly auth: LogoutMiddleware;
  readonly path: string;
  readonly user: string;
}

describe("an app with a session() for administrators and one for users", () => {
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((each) => each.close()));
  });

  async function start(mount: (app: Express, admins: LogoutMiddleware, users: LogoutMiddleware) => void) {
    const stores = { admins: new MemoryStore(), users: new MemoryStore() };
    const admins = logout({ store: stores.admins, appId: "admin" });
    const users = logout({ store: stores.users, appId: "shop" });
    const app = express();
    app.use("/admin", session({ ...lazy, store: stores.admins, name: "admin.sid", cookie: { path: "/admin" } }));
    app.use(session({ ...lazy, store: stores.users, name: "user.sid" }));
    mount(app, admins, users);
    app.post(["/admin/log-in/:user", "/log-in/:user"], (req, res, next) => {
      Object.assign(req.session, { userId: req.params["user"] });
      save(req).then(() => res.json({}), next);
    });
    app.get(["/admin/me", "/me"], (req, res) => {
      res.json({ user: req.session.userId ?? null });
    });
    app.use(((error: { code?: unknown }, _req, res, _next) => {
      res.status(500).json({ code: error.code });
    }) as ErrorRequestHandler);
    const server: TestServer = await serve(app);
    open.push(server, admins, users);
    const sites: readonly [admin: Site, shop: Site] = [
      { name: "admin", auth: admins, path: "/admin", user: "root" },
      { name: "shop", auth: users, path: "", user: "alice" },
    ];
    return { browser: new Browser(server.url), sites };
  }

  const MOUNTS: Readonly<Record<string, Parameters<typeof start>[0]>> = {
    "each under its path": (app, admins, users) => app.use("/admin", admins).use(users),
    "both at the root": (app, admins, users) => app.use(admins).use(users),
    "both at the root, the other way round": (app, admins, users) => app.use(users).use(admins),
    "their guards alone": (app, admins, users) => app.use(admins.guard, users.guard),
  };

  it.each(Object.keys(MOUNTS))("serves and kicks each group separately: %s", async (name) => {
    const { browser, sites } = await start(MOUNTS[name] ?? (() => undefined));
    const me = async ({ path }: Site): Promise<unknown> => {
      const { status, body } = await browser.get(`${path}/me`, json);
      return status === 200 ? (body as { user: unknown }).user : status;
    };
    const [admin, shop] = sites;
    for (const site of sites) await browser.post(`${site.path}/log-in/${site.user}`);
    expect([await me(admin), await me(shop)]).toEqual(["root", "alice"]);
    await admin.auth.kick("root");
    expect([await me(shop), await me(admin)]).toEqual(["alice", 401]);
    await shop.auth.kick("alice");
    expect([await me(admin), await me(shop)]).toEqual([null, 401]);
  });

  it("shows each site's pages to its own sessions only", async () => {
    const { browser } = await start((app, admins, users) => app.use("/admin", users).use(admins));
    await browser.post("/admin/log-in/root");
    await browser.post("/log-in/alice");
    // If requests have a session of the other session(), neither logout() serves a page.
    expect((await browser.get("/admin/u", json)).status).toBe(404);
    expect((await browser.get("/u", json)).status).toBe(404);
    expect((await browser.post("/login/profile/logout", {}, json)).status).toBe(404);
    expect((await browser.get("/me")).body).toEqual({ user: "alice" });
  });

  it("reports a request of the other session() in diagnose()", async () => {
    const { browser } = await start((app, admins, users) => {
      app.get("/admin/diagnose", async (req, res) => {
        res.json([await admins.diagnose(req), await users.diagnose(req)]);
      });
    });
    const { body } = await browser.get("/admin/diagnose");
    const [own, other] = body as { what: string; level: string; why: string }[][];
    const ofSession = (findings: typeof own) => findings?.find(({ what }) => what === "session of the request");
    expect(ofSession(own)?.level).toBe("ok");
    expect(ofSession(other)).toMatchObject({ level: "warn", why: expect.stringContaining("another session()") });
  });
});
