import { createHmac } from "node:crypto";
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
} from "express";
import session, { type SessionData, type SessionOptions, type Store } from "express-session";
import { logout, type LoginOptions, type LoginRegistry, type LogoutMiddleware } from "../../lib/index.js";

const SECRET = "a secret of the tests";
const NAME = "connect.sid";

export interface NodeOptions {
  readonly store: Store;
  readonly session: Omit<SessionOptions, "secret">;
  /** The app has received a session, or none. */
  readonly found: (req: Request) => void;
}

export interface HookedNodeOptions extends NodeOptions {
  readonly registry: LoginRegistry;
  readonly maxSessionAgeMs: number;
  readonly waitForTouch: boolean;
  /** The policy for logins. */
  readonly logins: LoginOptions | undefined;
}

/** The app's handler of a request. */
export type Handler = (req: Request, res: Response) => Promise<void>;

export interface Answer {
  readonly status: number;
  /** The session id in the answer's cookie; `""` if the cookie is cleared. */
  readonly cookie: string | undefined;
  /** The session id that the request had in the end. */
  readonly sid: string | undefined;
}

/** One process: express-session in an app, with everything but the sockets. */
export class Node {
  readonly #app: Express;
  readonly #handlers = new WeakMap<object, Handler>();

  constructor({ store, session: settings, found }: NodeOptions, ...middleware: RequestHandler[]) {
    this.#app = express();
    this.#app.use(session({ ...settings, store, secret: SECRET, name: NAME }));
    this.#app.use((req, _res, next) => {
      found(req);
      next();
    });
    for (const handler of middleware) this.#app.use(handler);
    this.#app.use((req, res, next) => {
      const handler = this.#handlers.get(req);
      if (handler === undefined) next();
      else handler(req, res).then(() => res.json({}), next);
    });
  }

  /** Resolves when the answer has been sent whole. */
  request(path: string, cookie: string | undefined, handler: Handler): Promise<Answer> {
    const req = new IncomingMessage(SOCKET);
    req.method = "GET";
    req.url = path;
    req.headers = { host: "shop.example", accept: "application/json" };
    if (cookie !== undefined) req.headers.cookie = `${NAME}=${encodeURIComponent(signed(cookie))}`;
    this.#handlers.set(req, handler);
    return new Promise((resolve, reject) => {
      const res = new ServerResponse(req);
      // Nothing is sent: an answer has arrived once it is ended.
      res.write = () => true;
      res.end = () => {
        if (!res.headersSent) res.writeHead(res.statusCode);
        const { sessionID } = req as unknown as { sessionID?: string };
        resolve({ status: res.statusCode, cookie: sidIn(res.getHeader("set-cookie")), sid: sessionID });
        return res;
      };
      const failed: ErrorRequestHandler = (error: Error & { code?: unknown }) => {
        // A limit has refused a login. Its session is saved once more, and refused, at the end of the answer.
        if (error.code !== "ERR_TOO_MANY_LOGINS") reject(error);
        else if (!res.headersSent) res.writeHead(409).end();
      };
      (this.#app as unknown as (req: object, res: object, next: unknown) => void)(req, res, failed);
    });
  }
}

/** The same with this package. */
export class HookedNode extends Node {
  readonly auth: LogoutMiddleware;
  readonly #store: Store;

  constructor({ store, registry, maxSessionAgeMs, waitForTouch, logins, ...rest }: HookedNodeOptions) {
    const sessions = { maxAgeMs: maxSessionAgeMs, waitForTouch };
    const auth = logout({ store, registry, appId: "shop", sessions, logins });
    super({ store, ...rest }, auth);
    this.auth = auth;
    this.#store = store;
  }

  /** Sets a session without a request, as a job or a queue does. */
  set(sid: string, data: SessionData): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#store.set(sid, data, (error: unknown) => {
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- as it is
        if (error) reject(error);
        else resolve();
      });
    });
  }
}

const SOCKET = new Socket();

/** As express-session signs it. */
function signed(sid: string): string {
  return `s:${sid}.${createHmac("sha256", SECRET).update(sid).digest("base64").replace(/=+$/, "")}`;
}

/** The last cookie counts, as it does in a browser. */
function sidIn(header: unknown): string | undefined {
  const cookie = (Array.isArray(header) ? (header as string[]) : []).at(-1);
  if (cookie === undefined) return undefined;
  const value = decodeURIComponent(/^[^=]*=([^;]*)/.exec(cookie)?.[1] ?? "");
  return value.replace(/^s:/, "").replace(/\..*$/s, "");
}
