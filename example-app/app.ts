import { setTimeout as wait } from "node:timers/promises";
import { promisify } from "node:util";
import express, { type Express, type Request } from "express";
import session, { type Store } from "express-session";
import { logout, type LoginRegistry, type LogoutRouter } from "express-logout";
import { authenticate, findUser, type User } from "./users.js";
import { accountPage, byePage, homePage, loginPage } from "./views.js";

declare module "express-session" {
  interface SessionData {
    userId?: string;
    slowVisits?: number;
  }
}

type Done = (error?: unknown) => void;

export interface ExampleOptions {
  readonly store: Store;
  readonly registry: LoginRegistry | undefined;
  /** Where browsers reach the app, without a slash at the end. */
  readonly origin: string;
  readonly adminToken: string;
  readonly sessionSecret: string;
  /** How long the slow page takes. */
  readonly slowMs: number;
}

export const APP_ID = "shop";
export const USER_POOL_ID = "acme";

/** A small shop: a login form, a page that needs a login, a slow page, and express-logout. */
export function createApp(options: ExampleOptions): { app: Express; auth: LogoutRouter } {
  const { store, registry, origin, adminToken, sessionSecret, slowMs } = options;
  const app = express();
  app.disable("x-powered-by");

  // The two lines, and what they are told.
  const auth = logout({
    store,
    registry,
    appId: APP_ID,
    userPoolId: USER_POOL_ID,
    user: (userId) => findUser(userId)?.profile,
    admin: { tokens: [adminToken] },
    redirectUris: [`${origin}/bye`],
  });
  app.use(
    session({
      store,
      secret: sessionSecret,
      resave: false,
      saveUninitialized: false,
      cookie: { sameSite: "lax", maxAge: 7 * 86_400_000 },
    }),
  );
  app.use(auth);

  app.use(express.urlencoded({ extended: false }), express.json());
  app.get("/", (req, res) => res.send(homePage(userOf(req), origin)));
  app.get("/bye", (_req, res) => res.send(byePage()));
  app.get("/login", (_req, res) => res.send(loginPage(false)));
  app.post("/login", async (req, res) => {
    const { username, password } = (req.body ?? {}) as { username?: unknown; password?: unknown };
    const user = await authenticate(username, password);
    if (user === undefined) return res.status(401).send(loginPage(true));
    // A new session id at every login: what an attacker may have planted before is worth nothing after.
    await promisify((done: Done) => req.session.regenerate(done))();
    req.session.userId = user.id;
    // express-session sends a redirect on its way while it still saves: the next page could be asked for too early.
    await promisify((done: Done) => req.session.save(done))();
    res.redirect(303, "/");
  });

  app.use((req, res, next) => {
    if (userOf(req) === undefined) res.redirect("/login");
    else next();
  });
  app.get("/account", async (req, res) => {
    const user = userOf(req);
    if (user !== undefined) res.send(accountPage(user, await auth.logins(user.id)));
  });
  app.get("/me", (req, res) => res.json({ user: req.session.userId }));
  app.get("/slow", async (req, res) => {
    await wait(slowMs);
    req.session.slowVisits = (req.session.slowVisits ?? 0) + 1;
    res.send(`Written to your session, visit ${String(req.session.slowVisits)}.\n`);
  });
  return { app, auth };
}

function userOf(req: Request): User | undefined {
  return findUser(req.session.userId);
}
