import { once } from "node:events";
import { promisify } from "node:util";
import express, { type ErrorRequestHandler, type Express, type Request, type RequestHandler } from "express";
import session, { MemoryStore, type SessionOptions, type Store } from "express-session";
import { logout, type LogoutOptions, type LogoutMiddleware } from "express-logout";
import { Gate } from "../../support/gate.js";

declare module "express-session" {
  interface SessionData {
    userId?: string | number | undefined;
    note?: string;
    seen?: number;
  }
}

export const APP_ID = "shop";
export const POOL_ID = "acme";
export const TOKEN = "a token of the field suite, 4711";

type Done = (error?: unknown) => void;

/** The parts of an app, in the order of mounting. */
export interface Parts {
  /** Headers, logs, compression, limits. */
  readonly first?: ((app: Express) => void) | undefined;
  /** Default: the body parsers of Express. */
  readonly parsers?: (app: Express) => void;
  readonly session?: Partial<SessionOptions>;
  /** passport, flash messages. */
  readonly afterSession?: (app: Express) => void;
  readonly auth?: Partial<LogoutOptions>;
  /** CSRF protection. */
  readonly afterAuth?: (app: Express, auth: LogoutMiddleware) => void;
  readonly routes?: (app: Express, auth: LogoutMiddleware) => void;
  /** The handlers of `POST /login`. Default: logs the user in whose name is in the form. */
  readonly logIn?: readonly RequestHandler[];
  /** The CSRF token of the app's own forms. */
  readonly csrfToken?: (req: Request, res: express.Response) => string;
  /** Whether the app has the pages `/login` and `/me`. Default: `true`. */
  readonly hasOwnPages?: boolean;
  /** Middleware before the error handler. */
  readonly last?: (app: Express, auth: LogoutMiddleware) => void;
}

export interface Shop {
  readonly app: Express;
  readonly auth: LogoutMiddleware;
  readonly store: Store;
  readonly sessions: RequestHandler;
  /** The errors that have reached the app's error handler. */
  readonly errors: readonly { readonly code?: string; readonly message?: string }[];
}

/** Creates an app with the middleware, mounted in the order that the README recommends. */
export function createShop(parts: Parts = {}): Shop {
  const app = express();
  const store = parts.auth?.store ?? new MemoryStore();
  const given = { store, appId: APP_ID, admin: { userPoolId: POOL_ID, tokens: [TOKEN] } };
  const auth = logout({ ...given, ...parts.auth });
  const sessions = session({
    store,
    secret: "a secret of the tests",
    resave: false,
    saveUninitialized: false,
    ...parts.session,
  });
  parts.first?.(app);
  if (parts.parsers === undefined) app.use(express.urlencoded({ extended: false }), express.json());
  else parts.parsers(app);
  app.use(sessions);
  parts.afterSession?.(app);
  app.use(auth);
  parts.afterAuth?.(app, auth);
  parts.routes?.(app, auth);
  addSlowRoute(app);
  if (parts.hasOwnPages !== false) addRoutes(app, parts);
  parts.last?.(app, auth);
  const errors: { code?: string; message?: string }[] = [];
  app.use(handleErrors(errors));
  return { app, auth, store, sessions, errors };
}

export const logInByName: RequestHandler = (req, res, next) => {
  const logIn = async (): Promise<void> => {
    const { user } = req.body as { user: string };
    await promisify((done: Done) => req.session.regenerate(done))();
    req.session.userId = user;
    await promisify((done: Done) => req.session.save(done))();
    res.redirect(303, "/me");
  };
  logIn().catch(next);
};

function addRoutes(app: Express, parts: Parts): void {
  const { logIn = [logInByName], csrfToken } = parts;
  const form = (req: Request, res: express.Response, path: string, field: string): string => {
    const token = csrfToken === undefined ? "" : `<input type="hidden" name="_csrf" value="${csrfToken(req, res)}">`;
    return `<form method="post" action="${path}">${token}<input name="${field}"><button>Send</button></form>`;
  };
  app.get("/login", (req, res) => res.send(form(req, res, "/login", "user")));
  app.post("/login", ...logIn);
  app.get("/me", (req, res) => {
    res.send(`${greet(req.session.userId)}${form(req, res, "/note", "note")}<p>${req.session.note ?? ""}</p>`);
  });
  app.post("/note", (req, res) => {
    req.session.note = (req.body as { note: string }).note;
    res.redirect(303, "/me");
  });
}

/** The page that shows for whom the app takes a request. */
export const greet = (user?: string | number): string =>
  user === undefined ? "<h1>Welcome</h1>" : `<h1>Hello ${String(user)}</h1>`;

/** `GET /slow` waits in its handler until a test lets it go on; asked over HTTP, for apps in a process of their own. */
export function addSlowRoute(app: Pick<Express, "get">): void {
  let gate = new Gate();
  app.get("/slow", (req, res, next) => {
    gate.pass().then(() => {
      req.session.seen = Date.now();
      res.send("done");
    }, next);
  });
  app.get("/slow/arrived", (_req, res, next) => {
    gate.reached.then(() => res.send("arrived"), next);
  });
  app.get("/slow/open", (_req, res) => {
    gate.open();
    gate = new Gate();
    res.send("open");
  });
}

function handleErrors(errors: object[]): ErrorRequestHandler {
  return (error: { code?: string; message?: string; status?: number }, _req, res, next) => {
    errors.push(error);
    // As the error handler of Express does: lusca sets the status of the response.
    const status = error.status ?? (res.statusCode >= 400 ? res.statusCode : 500);
    if (res.headersSent) next(error);
    else res.status(status).send(error.code ?? error.message);
  };
}

/** Serves an app in its own process, which ends with its parent process. */
export async function serveShop(app: Express): Promise<void> {
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  process.stdin.once("end", () => process.exit()).resume();
  process.stdout.write(`http://127.0.0.1:${String((server.address() as { port: number }).port)}\n`);
}
