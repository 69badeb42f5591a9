import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Express, Request, RequestHandler } from "express";
import passport from "passport";
import { Strategy as LocalStrategy } from "passport-local";
import { Gate } from "../support/gate.js";
import { Browser } from "../support/http.js";
import { useSites } from "../support/site.js";
import { BACKENDS } from "../support/stores.js";

interface PassportUser {
  id: string;
}

/** Forms to which apps serialize a user: their id, or an object with their id. */
const SERIALISED: Readonly<Record<string, (user: PassportUser) => unknown>> = {
  "the id": (user) => user.id,
  "an object with the id": (user) => ({ id: user.id, username: user.id }),
};

function usePassport(serialise: (user: PassportUser) => unknown, keepSessionInfo: boolean, gate: Gate) {
  const authenticator = new passport.Passport();
  authenticator.serializeUser((user, done) => done(null, serialise(user as PassportUser)));
  authenticator.deserializeUser((stored: PassportUser | string, done) => {
    done(null, typeof stored === "string" ? { id: stored } : stored);
  });
  authenticator.use(new LocalStrategy((username, _password, done) => done(null, { id: username })));
  const whoIs = (req: Request): string | null => (req.user as PassportUser | undefined)?.id ?? null;
  return (app: Express): void => {
    app.use(authenticator.session());
    const logIn = authenticator.authenticate("local", { keepSessionInfo }) as RequestHandler;
    app.get("/pass/:username", logIn, (req, res) => {
      res.json({ user: whoIs(req) });
    });
    app.get("/out", (req, res, next) => {
      promisify((done: (error?: unknown) => void) => req.logout({ keepSessionInfo }, done))().then(
        () => res.json({}),
        next,
      );
    });
    app.get("/who", (req, res) => {
      res.json({ user: whoIs(req), visits: req.session.visits ?? 0 });
    });
    app.get("/visit", (req, res, next) => {
      gate.pass().then(() => {
        req.session.visits = (req.session.visits ?? 0) + 1;
        res.json({});
      }, next);
    });
  };
}

const CASES = Object.keys(SERIALISED).flatMap((kind) => [true, false].map((keep) => [kind, keep] as const));

describe.each(BACKENDS.map((make) => [make().name, make] as const))("passport, on %s", (_name, makeBackend) => {
  const backend = makeBackend();
  beforeAll(() => backend.start());
  afterAll(() => backend.stop());
  const openSite = useSites();

  async function open(kind: string, keepSessionInfo: boolean) {
    const gate = new Gate();
    const after = usePassport(SERIALISED[kind] ?? (() => undefined), keepSessionInfo, gate);
    const site = await openSite({ backend, after });
    const who = async (browser: Browser): Promise<unknown> => (await browser.get("/who")).body;
    const logIn = async (username: string, browser = new Browser(site.url)): Promise<Browser> => {
      await browser.get(`/pass/${username}?username=${username}&password=x`);
      return browser;
    };
    return { site, gate, who, logIn };
  }

  it.each(CASES)("logs in and out, storing %s, keepSessionInfo: %s", async (kind, keep) => {
    const { site, gate, who, logIn } = await open(kind, keep);
    gate.open();
    const browser = await logIn("alice");
    await browser.get("/visit");
    expect(await who(browser)).toEqual({ user: "alice", visits: 1 });
    expect((await site.auth.listLogins("alice")).items).toHaveLength(1);
    await browser.get("/out");
    expect(await who(browser)).toEqual({ user: null, visits: keep ? 1 : 0 });
    expect((await site.auth.listLogins("alice")).items).toEqual([]);
    await logIn("bob", browser);
    expect(await who(browser)).toEqual({ user: "bob", visits: keep ? 1 : 0 });
    await logIn("carol", browser);
    expect(await who(browser)).toMatchObject({ user: "carol" });
    expect((await site.auth.listLogins("bob")).items).toEqual([]);
    expect((await site.auth.listLogins("carol")).items).toHaveLength(1);
  });

  it.each(CASES)("another login keeps one login, storing %s, keepSessionInfo: %s", async (kind, keep) => {
    const { site, who, logIn } = await open(kind, keep);
    const browser = await logIn("alice");
    await logIn("alice", browser);
    expect(await who(browser)).toMatchObject({ user: "alice" });
    expect((await site.auth.listLogins("alice")).items).toHaveLength(1);
  });

  it.each(CASES)("a kick holds against a request in flight, storing %s, keepSessionInfo: %s", async (kind, keep) => {
    const { site, gate, who, logIn } = await open(kind, keep);
    const browser = await logIn("alice");
    const inFlight = browser.clone().get("/visit");
    await gate.reached;
    await site.auth.kick("alice", { reason: "why" });
    gate.open();
    await inFlight;
    expect(await who(browser.clone())).toEqual({ code: 401, message: "You have been logged out: why" });
    expect(await who(browser)).toEqual({ user: null, visits: 0 });
    await logIn("alice", browser);
    expect(await who(browser)).toMatchObject({ user: "alice" });
  });

  it.each(CASES)("a logout holds against a request in flight, storing %s, keepSessionInfo: %s", async (kind, keep) => {
    const { gate, who, logIn } = await open(kind, keep);
    const browser = await logIn("alice");
    const old = browser.clone();
    const inFlight = browser.clone().get("/visit");
    await gate.reached;
    await browser.get("/out");
    gate.open();
    await inFlight;
    expect(await who(old)).toMatchObject({ user: null });
    expect(await who(browser)).toMatchObject({ user: null });
  });
});
