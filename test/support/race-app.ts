import { promisify } from "node:util";
import express, { type ErrorRequestHandler, type Express, type Request } from "express";
import session, { type SessionOptions, type Store } from "express-session";
import type { LogoutMiddleware } from "../../lib/index.js";
import type { Gate } from "./gate.js";

declare module "express-session" {
  interface SessionData {
    userId?: string | number | undefined;
    visits?: number;
  }
}

/** The settings of session() that decide when it saves, touches and sets cookies. */
export const SETTINGS: Readonly<Record<string, Pick<SessionOptions, "resave" | "saveUninitialized" | "rolling">>> = {
  lazy: { resave: false, saveUninitialized: false },
  eager: { resave: true, saveUninitialized: true },
  rolling: { resave: false, saveUninitialized: false, rolling: true },
};

type Done = (error?: unknown) => void;

export const regenerate = (req: Request): Promise<void> => promisify((done: Done) => req.session.regenerate(done))();
export const save = (req: Request): Promise<void> => promisify((done: Done) => req.session.save(done))();
export const reload = (req: Request): Promise<void> => promisify((done: Done) => req.session.reload(done))();
export const destroy = (req: Request): Promise<void> => promisify((done: Done) => req.session.destroy(done))();

/** The acts of a request in flight on its session, after its wait. */
export const HANDLERS: Readonly<Record<string, (req: Request) => void | Promise<void>>> = {
  read: () => undefined,
  write: (req) => {
    req.session.visits = (req.session.visits ?? 0) + 1;
  },
  save: async (req) => {
    req.session.visits = 1;
    await save(req);
  },
  "regenerate and copy the user id": async (req) => {
    const { userId } = req.session;
    await regenerate(req);
    req.session.userId = userId;
  },
  "regenerate and copy everything": async (req) => {
    const before = req.session;
    await regenerate(req);
    const { cookie } = req.session;
    Object.assign(req.session, before, { cookie });
  },
  "reload and save": async (req) => {
    // A session that is gone cannot be reloaded; that is an answer too.
    await reload(req).catch(() => undefined);
    await save(req);
  },
  touch: (req) => {
    req.session.touch();
  },
};

/** Ways to log out that are not a kick. */
export const LOGOUTS: Readonly<Record<string, (req: Request) => void | Promise<void>>> = {
  "destroy()": destroy,
  "regenerate() without a new login": regenerate,
  "removing the user id": (req) => {
    delete req.session.userId;
  },
  "req.session = null": (req) => {
    (req as { session: unknown }).session = null;
  },
};

export interface RaceAppOptions {
  readonly store: Store;
  readonly settings: Pick<SessionOptions, "resave" | "saveUninitialized" | "rolling" | "cookie" | "unset">;
  readonly gate: Gate;
  readonly auth?: LogoutMiddleware | undefined;
  /** The errors that reach the app's error handler, also after an answer has begun. */
  readonly errors?: unknown[];
}

/** A small app: a login, the current user, and routes that change the session as apps do. */
export function raceApp({ store, settings, gate, auth, errors = [] }: RaceAppOptions): Express {
  const app = express();
  app.use(session({ store, secret: "a secret of the tests", unset: "destroy", ...settings }));
  if (auth !== undefined) app.use(auth);
  app.use(express.json());
  const route = (path: string, act: (req: Request) => void | Promise<void>): void => {
    app.post(path, (req, res, next) => {
      Promise.resolve(act(req)).then(() => res.json({ user: whoIs(req) }), next);
    });
  };
  route("/login", async (req) => {
    await regenerate(req);
    req.session.userId = (req.body as { user: string }).user;
  });
  route("/login/in-place", (req) => {
    req.session.userId = (req.body as { user: string }).user;
  });
  route("/waiting/:name", async (req) => {
    await gate.pass();
    await named(HANDLERS, req)(req);
  });
  route("/now/:name", (req) => named(HANDLERS, req)(req));
  route("/out/:name", (req) => named(LOGOUTS, req)(req));
  app.get("/me", (req, res) => {
    res.json({ user: whoIs(req) });
  });
  const handleError: ErrorRequestHandler = (error, _req, _res, next) => {
    errors.push(error);
    next(error);
  };
  app.use(handleError);
  return app;
}

function whoIs(req: Request): string | number | null {
  return (req as { session?: { userId?: string | number } | null }).session?.userId ?? null;
}

function named<Act>(acts: Readonly<Record<string, Act>>, req: Request): Act {
  const act = acts[String(req.params["name"])];
  if (act === undefined) throw new Error("no such handler");
  return act;
}
