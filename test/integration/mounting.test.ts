import { afterEach, describe, expect, it } from "@jest/globals";
import express, { type Express } from "express";
import session, { MemoryStore } from "express-session";
import { logout, type LogoutMiddleware } from "../../lib/index.js";
import { Browser, serve, type TestServer } from "../support/http.js";

const sessions = (store: MemoryStore, cookie: session.CookieOptions = {}) =>
  session({ store, secret: "s", resave: false, saveUninitialized: false, cookie });

describe("mounting", () => {
  const servers: TestServer[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });

  /** The answer to the first request. */
  async function firstAnswer(build: (app: Express, auth: LogoutMiddleware, store: MemoryStore) => void, path = "/") {
    const store = new MemoryStore();
    const auth = logout({ store, appId: "shop" });
    const app = express();
    build(app, auth, store);
    app.get("/", (req, res) => res.json({ session: typeof (req as { session?: unknown }).session }));
    app.use(((error: { code?: unknown; message?: unknown }, _req, res, _next) => {
      res.status(500).json({ code: error.code, message: error.message });
    }) as express.ErrorRequestHandler);
    const server = await serve(app);
    servers.push(server);
    return (await new Browser(server.url).get(path)).body as unknown;
  }

  it("after session() is correct, in either order of creation", async () => {
    expect(await firstAnswer((app, auth, store) => app.use(sessions(store), auth))).toEqual({ session: "object" });
    const store = new MemoryStore();
    const before = sessions(store);
    const auth = logout({ store, appId: "shop" });
    expect(await firstAnswer((app) => app.use(before, auth))).toEqual({ session: "object" });
  });

  it("without session() causes an error at the first request", async () => {
    const answer = await firstAnswer((app, auth) => app.use(auth));
    expect(answer).toMatchObject({
      code: "ERR_SESSION_MISSING",
      message: expect.stringContaining("session({ store })"),
    });
  });

  it("with another store in session() causes an error at the first request", async () => {
    const answer = await firstAnswer((app, auth) => app.use(sessions(new MemoryStore()), auth));
    expect(answer).toMatchObject({
      code: "ERR_SESSION_STORE_MISMATCH",
      message: expect.stringContaining("same instance"),
    });
  });

  it("before session() causes an error at the first request", async () => {
    const answer = await firstAnswer((app, auth, store) => app.use(auth, sessions(store)));
    expect(answer).toMatchObject({ code: "ERR_SESSION_ORDER", message: expect.stringContaining("before session()") });
  });

  it("of auth.guard alone is checked like that of the middleware", async () => {
    const answers = [
      await firstAnswer((app, auth, store) => app.use(auth.guard, sessions(store))),
      await firstAnswer((app, auth) => app.use(auth.guard)),
      await firstAnswer((app, auth) => app.use(sessions(new MemoryStore()), auth.guard)),
      await firstAnswer((app, auth, store) => app.use(sessions(store), auth.guard)),
    ];
    expect(answers).toEqual([
      expect.objectContaining({ code: "ERR_SESSION_ORDER" }),
      expect.objectContaining({ code: "ERR_SESSION_MISSING" }),
      expect.objectContaining({ code: "ERR_SESSION_STORE_MISMATCH" }),
      { session: "object" },
    ]);
  });

  it("is correct if session() serves only a part of the site", async () => {
    const answer = await firstAnswer((app, auth, store) => app.use(sessions(store, { path: "/members" }), auth));
    expect(answer).toEqual({ session: "undefined" });
  });

  it("is correct while the store is offline and no request has a session", async () => {
    const answer = await firstAnswer((app, auth, store) => {
      app.use(sessions(store), auth);
      store.emit("disconnect");
    });
    expect(answer).toEqual({ session: "undefined" });
  });
});
