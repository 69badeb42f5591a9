import { createHmac } from "node:crypto";
import { once } from "node:events";
import { request, type IncomingHttpHeaders, type IncomingMessage, type Server } from "node:http";
import { text } from "node:stream/consumers";
import { afterEach } from "@jest/globals";
import express, { type ErrorRequestHandler, type Express, type Request, type RequestHandler } from "express";
import session, { type SessionOptions } from "express-session";
import { logout, type LogoutEvents, type LogoutOptions, type LogoutMiddleware } from "../../lib/index.js";
import { Gate } from "./gate.js";
import { Browser, serve } from "./http.js";
import { HANDLERS, regenerate, save } from "./race-app.js";
import { memoryBackend, type Backend } from "./stores.js";

export const POOL_ID = "acme";
export const TOKEN = "a token of the tests, 4711";
export const SECRET = "a secret of the tests";

export interface SiteOptions {
  /** Where the middleware is mounted. Default: the root. */
  readonly at?: string;
  readonly backend?: Backend;
  readonly auth?: Partial<LogoutOptions>;
  readonly session?: Partial<SessionOptions>;
  /** Middleware and routes of the app before session(). */
  readonly beforeSessions?: (app: Express, auth: LogoutMiddleware) => void;
  /** Middleware of the app between session() and the middleware of the package. */
  readonly before?: (app: Express, auth: LogoutMiddleware) => void;
  /** Middleware and routes of the app after the middleware of the package. */
  readonly after?: (app: Express, auth: LogoutMiddleware) => void;
  /** Adds listeners to the server itself, such as one for upgrades. */
  readonly attach?: (server: Server, sessions: RequestHandler, auth: LogoutMiddleware) => unknown;
  /** The events that the site listens to. Default: all. */
  readonly listensTo?: readonly (keyof LogoutEvents)[];
}

export interface Asked {
  readonly headers?: Readonly<Record<string, string | string[] | undefined>>;
  readonly body?: string | Buffer | undefined;
}

/** An answer as it stands on the wire. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly setCookies: readonly string[];
  readonly text: string;
  /** The body as JSON, if it is JSON. */
  readonly body: unknown;
}

/** An app with the middleware, on its own port. */
export interface Site {
  readonly auth: LogoutMiddleware;
  readonly appId: string;
  readonly at: string;
  readonly url: string;
  /** All events that `auth.on(…)` has received. */
  readonly events: readonly (object & { readonly name: string })[];
  /** The errors that have reached the app's error handler. */
  readonly errors: readonly unknown[];
  /** Where the requests to `/slow/:handler` wait. */
  readonly gate: Gate;
  /** Sends exactly this, and follows nothing. */
  readonly ask: (method: string, path: string, asked?: Asked) => Promise<Answer>;
  /** A browser in which this user has logged in. */
  readonly login: (user: unknown, headers?: Record<string, string>, path?: string) => Promise<Browser>;
  /** The user whom the app serves in this browser; `null` if anonymous. */
  readonly user: (browser: Browser) => Promise<unknown>;
  readonly close: () => Promise<void>;
}

/** Opens sites for the tests of one file, and closes them after each. */
export function useSites(): (options?: SiteOptions) => Promise<Site> {
  const sites: Site[] = [];
  afterEach(async () => {
    await Promise.all(sites.splice(0).map((site) => site.close()));
  });
  return async (options = {}) => {
    const site = await openSite(options);
    sites.push(site);
    return site;
  };
}

let opened = 0;

async function openSite({ at = "", backend = memoryBackend(), ...options }: SiteOptions): Promise<Site> {
  const appId = options.auth?.appId ?? `shop-${String(opened++)}`;
  const { store, registry } = backend.open();
  const given: LogoutOptions = { store, registry, appId, admin: { userPoolId: POOL_ID, tokens: [TOKEN] } };
  const auth = logout({ ...given, ...options.auth });
  const gate = new Gate();
  const errors: unknown[] = [];
  const events: (object & { name: string })[] = [];
  for (const name of options.listensTo ?? (["login", "logout", "kick", "rejected"] as const)) {
    auth.on(name, (event) => events.push({ name, ...event }));
  }

  const app = express();
  const lazy = { resave: false, saveUninitialized: false };
  const sessions = session({ store: options.auth?.store ?? store, secret: SECRET, ...lazy, ...options.session });
  options.beforeSessions?.(app, auth);
  app.use(sessions);
  options.before?.(app, auth);
  if (at === "") app.use(auth);
  else app.use(at, auth);
  options.after?.(app, auth);
  app.use(express.json());
  addRoutes(app, gate);
  const handleError: ErrorRequestHandler = (
    error: { code?: string; message?: string; status?: number },
    _req,
    res,
    next,
  ) => {
    errors.push(error);
    if (res.headersSent) next(error);
    else res.status(error.status ?? 500).json({ error: error.code ?? error.message });
  };
  app.use(handleError);

  const server = await serve(app, (attached) => options.attach?.(attached, sessions, auth));
  return {
    auth,
    appId,
    at,
    url: server.url,
    events,
    errors,
    gate,
    ask: (method, path, asked) => ask(server.url, method, path, asked),
    login: async (user, headers = {}, path = "/login") => {
      const browser = new Browser(server.url);
      const { status } = await browser.post(path, { user }, headers);
      if (status !== 200) throw new Error(`the login was answered ${String(status)}`);
      return browser;
    },
    user: async (browser) => {
      const response = await browser.get("/me");
      return response.status === 200 ? (response.body as { user: unknown }).user : null;
    },
    close: async () => {
      gate.open();
      await server.close();
      await auth.close();
    },
  };
}

/** Every page is there twice, once below a folder, for cookies that are not the whole site's. */
function addRoutes(app: Express, gate: Gate): void {
  const paths = (path: string): string[] => [path, `/shop${path}`];
  const user = (req: Request): unknown => req.session.userId ?? null;
  app.get([...paths("/login"), ...paths("/me")], (req, res) => {
    res.json({ user: user(req) });
  });
  app.post(paths("/login"), (req, res, next) => {
    const logIn = async (): Promise<void> => {
      const given = req.body as { user: string } | undefined;
      if (given === undefined) {
        res.status(400).json({ error: 'send {"user":…} as JSON' });
        return;
      }
      await regenerate(req);
      req.session.userId = given.user;
      await save(req);
      res.json({ user: user(req) });
    };
    logIn().catch(next);
  });
  app.post("/slow/:handler", (req, res, next) => {
    const wait = async (): Promise<void> => {
      await gate.pass();
      await HANDLERS[req.params.handler]?.(req);
      res.json({});
    };
    wait().catch(next);
  });
}

async function ask(url: string, method: string, path: string, { headers = {}, body }: Asked = {}): Promise<Answer> {
  const given = Object.entries(headers).filter(([, value]) => value !== undefined);
  const { hostname, port } = new URL(url);
  const sending = request({ hostname, port, method, path, headers: Object.fromEntries(given), agent: false });
  sending.end(body);
  const [answer] = (await once(sending, "response")) as [IncomingMessage];
  const received = await text(answer);
  const isJson = answer.headers["content-type"]?.startsWith("application/json") === true && received !== "";
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    setCookies: answer.headers["set-cookie"] ?? [],
    text: received,
    body: isJson ? (JSON.parse(received) as unknown) : undefined,
  };
}

/** The session id in a browser's cookie. */
export function sessionId(browser: Browser): string {
  return /=s:([^.]+)\./.exec(decodeURIComponent(browser.cookies))?.[1] ?? "";
}

/** The cookie of a session with this id, as session() signs it. */
export function signedCookie(sid: string, name = "connect.sid"): string {
  const signature = createHmac("sha256", SECRET).update(sid).digest("base64").replace(/=+$/, "");
  return `${name}=${encodeURIComponent(`s:${sid}.${signature}`)}`;
}
