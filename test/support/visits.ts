import { afterEach, beforeEach, jest } from "@jest/globals";
import express, { type Express } from "express";
import session, { type SessionOptions, type Store } from "express-session";
import { logout, MemoryLoginRegistry } from "../../lib/index.js";
import { Browser, serve } from "./http.js";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const START = Date.UTC(2026, 0, 1);

/** Times between requests, as parts of a session's life: always in time, just in time, just too late, and by turns. */
export const RHYTHMS: Readonly<Record<string, readonly number[]>> = {
  often: [0.05, 0.05, 0.05, 0.3, 0.3, 0.3, 0.05, 0.3],
  "just in time": [0.99, 0.99, 0.99],
  "too late": [0.5, 0.5, 1.01],
};

/** An app in which one can log in, with the package or without it. */
export function visitedApp(
  options: Partial<SessionOptions>,
  store: Store,
  hooked: boolean,
  registry = new MemoryLoginRegistry(),
): Express {
  const created = express();
  if (hooked) {
    const auth = logout({ store, registry, appId: "shop" });
    created.use(session({ secret: "s", resave: false, saveUninitialized: false, ...options, store }), auth);
  } else {
    created.use(session({ secret: "s", resave: false, saveUninitialized: false, ...options, store }));
  }
  created.post("/login", (req, res) => {
    req.session.userId = "alice";
    res.json({});
  });
  created.post("/another", (req, res) => {
    req.session.userId = "bob";
    res.json({});
  });
  created.post("/remember-me", (req, res) => {
    req.session.cookie.maxAge = 90 * DAY;
    req.session.visits = 1;
    res.json({});
  });
  created.get("/me", (req, res) => {
    res.json({ user: req.session.userId ?? null });
  });
  return created;
}

/** Returns the user whom the app serves at each visit of a browser with these gaps. */
export async function visits(
  created: Express,
  gaps: readonly number[],
  steps: readonly string[] = [],
): Promise<unknown[]> {
  jest.setSystemTime(START);
  const server = await serve(created);
  try {
    const browser = new Browser(server.url);
    await browser.post("/login");
    for (const path of steps) await browser.post(path);
    const seen: unknown[] = [];
    for (const gap of gaps) {
      jest.setSystemTime(Date.now() + gap);
      // Another user logs in, so that the registry sweeps expired logins.
      await new Browser(server.url).post("/another");
      seen.push((await browser.get("/me")).body);
    }
    return seen;
  } finally {
    await server.close();
  }
}

/** The clock advances only when the test advances it. Waiting for answers works as usual. */
export function useClockOfTheTest(): void {
  beforeEach(() => {
    jest.useFakeTimers({
      now: START,
      doNotFake: [
        "nextTick",
        "setImmediate",
        "clearImmediate",
        "setTimeout",
        "clearTimeout",
        "setInterval",
        "clearInterval",
        "queueMicrotask",
        "hrtime",
        "performance",
      ],
    });
  });
  afterEach(() => {
    jest.useRealTimers();
  });
}
