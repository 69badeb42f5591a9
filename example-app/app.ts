import { setTimeout as wait } from "node:timers/promises";
import express, { type Express, type Request } from "express";
import session, { type Store } from "express-session";
import { logout, type AuditOptions, type LoginRegistry, type LogoutMiddleware } from "express-logout";
import { authing } from "express-logout/authing";
import type { Company } from "./company/login.js";
import { APP_ID, USER_POOL_ID } from "./config.js";
import { logIn, wayBack } from "./log-in.js";
import { administrators, authenticate, findUser, searchUsers, type User } from "./users.js";
import { byePage, confirmPage, homePage, loginPage, slowPage } from "./views.js";

declare module "express-session" {
  interface SessionData {
    userId?: string;
    slowVisits?: number;
  }
}

const DAY_MS = 86_400_000;

export interface ExampleOptions {
  readonly store: Store;
  readonly registry: LoginRegistry | undefined;
  /** Where browsers reach the app, without a slash at the end. */
  readonly origin: string;
  readonly adminToken: string;
  readonly sessionSecret: string;
  /** How long the slow page takes. */
  readonly slowMs: number;
  /** How recent a password check must be before someone ends other logins. */
  readonly freshMs: number;
  readonly audit?: AuditOptions;
  /** A second way to log in. */
  readonly company?: Company | undefined;
  /** The secret of the SDKs of Authing and GenAuth, if they may call. */
  readonly sdkSecret?: string | undefined;
}

/** A small shop: a login form, a page that needs a login, a slow page, and express-logout. */
export function createApp(options: ExampleOptions): { app: Express; auth: LogoutMiddleware } {
  const { store, registry, origin, adminToken, sessionSecret, slowMs, freshMs, audit, company, sdkSecret } = options;
  const app = express();
  app.disable("x-powered-by");

  // The two lines, and their options.
  const auth = logout({
    store,
    registry,
    appId: APP_ID,
    logins: {
      max: { count: 20 },
      lifetime: { absoluteMs: 30 * DAY_MS, idleMs: 7 * DAY_MS },
      providers: company === undefined ? [] : [company.provider],
    },
    pages: {
      brandName: "The shop",
      describeUser: (userId) => findUser(userId)?.profile,
      confirmIdentity: { maxAgeMs: freshMs, confirmUrl: "/confirm" },
    },
    console: { authorize: (req) => userOf(req)?.isAdmin === true, administrators, searchUsers },
    admin: { userPoolId: USER_POOL_ID, tokens: [adminToken] },
    redirects: { allow: [`${origin}/bye`] },
    audit,
  });
  // For a readiness probe: before session(), which needs the store.
  app.get("/healthz", async (_req, res) => {
    const health = await auth.health();
    res.status(health.ok ? 200 : 503).json(health);
  });
  // The company's logout tokens come without a cookie.
  if (company !== undefined) app.use(auth.sessionlessRoutes);
  app.use(
    session({
      store,
      secret: sessionSecret,
      resave: false,
      saveUninitialized: false,
      cookie: { sameSite: "lax", maxAge: 7 * DAY_MS },
    }),
  );
  if (sdkSecret !== undefined) {
    const accessKeys = [{ id: USER_POOL_ID, secret: sdkSecret }];
    app.use(authing({ applications: [auth], userPoolId: USER_POOL_ID, accessKeys, signingKey: sessionSecret }));
  }
  app.use(auth);
  if (company !== undefined) app.use(company.router);

  app.use(express.urlencoded({ extended: false }), express.json());
  app.get("/", (req, res) => res.send(homePage(userOf(req), origin, req.session.company && company?.logoutUrl)));
  app.get("/bye", (_req, res) => res.send(byePage()));
  const companyUrl = company?.loginUrl;
  app.get("/login", (req, res) => {
    res.send(loginPage({ failed: false, returnTo: wayBack(req.query["returnTo"]), companyUrl }));
  });
  app.post("/login", async (req, res) => {
    const { username, password, returnTo } = (req.body ?? {}) as Record<string, unknown>;
    const user = await authenticate(username, password);
    if (user === undefined) {
      res.status(401).send(loginPage({ failed: true, returnTo: wayBack(returnTo), companyUrl }));
      return;
    }
    await logIn(req, { userId: user.id });
    res.redirect(303, wayBack(returnTo));
  });

  app.use((req, res, next) => {
    if (userOf(req) === undefined) res.redirect("/login");
    else next();
  });
  app.get("/confirm", (req, res) => res.send(confirmPage({ failed: false, returnTo: wayBack(req.query["returnTo"]) })));
  app.post("/confirm", async (req, res) => {
    const { password, returnTo } = (req.body ?? {}) as Record<string, unknown>;
    if ((await authenticate(req.session.userId, password)) === undefined) {
      res.status(401).send(confirmPage({ failed: true, returnTo: wayBack(returnTo) }));
      return;
    }
    await auth.confirmLogin(req);
    res.redirect(303, wayBack(returnTo));
  });
  app.get("/me", (req, res) => res.json({ user: req.session.userId }));
  app.get("/slow", async (req, res) => {
    await wait(slowMs);
    req.session.slowVisits = (req.session.slowVisits ?? 0) + 1;
    const { slowVisits } = req.session;
    if (req.accepts(["text", "html"]) === "html") res.send(slowPage(slowVisits));
    else res.send(`Written to your session, visit ${String(slowVisits)}.\n`);
  });
  // Where Redis does not answer, pages say so, and how to go on.
  app.use(auth.errorHandler);
  return { app, auth };
}

function userOf(req: Request): User | undefined {
  return findUser(req.session.userId);
}
