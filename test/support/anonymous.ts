import express from "express";
import session, { type SessionOptions, type Store } from "express-session";
import { logout, type LoginRegistry } from "../../lib/index.js";
import { Browser, serve } from "./http.js";

/** Notes the name of each method that is called. */
export function noted<Called extends object>(called: Called, calls: string[]): Called {
  return new Proxy(called, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown => {
        calls.push(String(name));
        return (value as (...args: unknown[]) => unknown).apply(target, args);
      };
    },
  });
}

/** The same on the store itself, which is hooked and handed on as it is. */
export function note(store: Store, calls: string[]): void {
  const methods = store as unknown as Record<string, ((...args: unknown[]) => unknown) | undefined>;
  for (const name of ["get", "set", "destroy", "touch", "all", "length", "clear", "ids"]) {
    const method = methods[name];
    if (method === undefined) continue;
    methods[name] = (...args) => {
      calls.push(name);
      return method.apply(store, args);
    };
  }
}

interface AnonymousSite {
  readonly store: Store;
  readonly options: Partial<SessionOptions>;
  /** With the package, or without it. */
  readonly registry?: LoginRegistry;
  readonly calls: string[];
}

/** The answers to an anonymous browser's requests, and the cost of each, before and after a kick of everyone. */
export async function anonymousVisits({ store, options, registry, calls }: AnonymousSite): Promise<unknown[]> {
  const auth = registry && logout({ store, registry, appId: `anonymous-${String(Math.random())}` });
  const app = express();
  app.use(session({ store, secret: "s", resave: false, saveUninitialized: false, ...options }));
  if (auth !== undefined) app.use(auth);
  app.get("/me", (req, res) => {
    res.json({ visits: req.session.visits ?? null });
  });
  app.post("/visit", (req, res) => {
    req.session.visits = (req.session.visits ?? 0) + 1;
    res.json({ visits: req.session.visits });
  });
  const server = await serve(app);
  try {
    const browser = new Browser(server.url);
    const cost = async (work: () => Promise<{ body: unknown }>): Promise<unknown> => {
      calls.length = 0;
      const { body } = await work();
      return { body, calls: [...calls] };
    };
    const before = [
      await cost(() => browser.get("/me")),
      await cost(() => browser.post("/visit")),
      await cost(() => browser.get("/me")),
      await cost(() => browser.post("/visit")),
    ];
    await auth?.kickAll();
    return [...before, await cost(() => browser.get("/me")), await cost(() => browser.post("/visit"))];
  } finally {
    await server.close();
    await auth?.close();
  }
}
