import { setTimeout as wait } from "node:timers/promises";
import { promisify } from "node:util";
import type { RedisStore } from "connect-redis";
import express, { type Express, type Request, type Response } from "express";
import session, { type SessionData } from "express-session";

type Listed = (SessionData & { readonly id: string; readonly userId?: string })[];

/** The example app with the obvious kick in place of this package: it finds the user's sessions and destroys them. */
export function createNaiveShop(store: RedisStore): Express {
  const app = express();
  app.use(session({ store, secret: "s", resave: false, saveUninitialized: false }));
  app.use(express.urlencoded({ extended: false }), express.json());
  app.post("/login", async (req, res) => {
    await promisify((done: (error?: unknown) => void) => req.session.regenerate(done))();
    req.session.userId = (req.body as { username: string }).username;
    await promisify((done: (error?: unknown) => void) => req.session.save(done))();
    res.redirect(303, "/");
  });
  app.get("/login/profile/logout", (req, res, next) => {
    req.session.destroy((error: unknown) => {
      if (error === undefined || error === null) res.redirect("/");
      else next(error);
    });
  });
  app.post("/api/applications/shop/kick-active-users", async (req, res) => {
    const { userIds } = req.body as { userIds: string[] };
    const sessions = (await store.all()) as Listed;
    const theirs = sessions.filter(({ userId }) => userId !== undefined && userIds.includes(userId));
    await Promise.all(theirs.map(({ id }) => store.destroy(id)));
    res.json({ code: 200 });
  });
  app.use((req, res, next) => {
    if (req.session.userId === undefined) res.redirect("/login");
    else next();
  });
  const show = (req: Request, res: Response): void => void res.json({ user: req.session.userId });
  app.get("/me", show);
  app.get("/u", show);
  app.get("/slow", async (req, res) => {
    await wait(100);
    req.session.visits = (req.session.visits ?? 0) + 1;
    show(req, res);
  });
  return app;
}
