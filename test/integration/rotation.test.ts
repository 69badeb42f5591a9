import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Express, Request } from "express";
import type { LogoutMiddleware } from "../../lib/index.js";
import { Gate } from "../support/gate.js";
import { Browser } from "../support/http.js";
import { destroy, regenerate, save } from "../support/race-app.js";
import { useSites, type SiteOptions } from "../support/site.js";
import { BACKENDS } from "../support/stores.js";

interface SessionStoreWithGenerate {
  generate(req: Request): void;
}

const generate = (req: Request): void => (req.sessionStore as unknown as SessionStoreWithGenerate).generate(req);

/** The steps of apps that rotate the session id manually, in one request. */
const BY_HAND: Readonly<Record<string, (req: Request, pause: () => Promise<void>) => Promise<void>>> = {
  "destroy(), generate() and the user id": async (req, pause) => {
    const { userId } = req.session;
    await destroy(req);
    await pause();
    generate(req);
    req.session.userId = userId;
  },
  "destroy(), generate() and everything": async (req, pause) => {
    const { session } = req;
    await destroy(req);
    await pause();
    generate(req);
    const { cookie } = req.session;
    Object.assign(req.session, session, { cookie });
  },
  "regenerate(), destroy(), generate() and the user id": async (req, pause) => {
    const { userId } = req.session;
    await regenerate(req);
    await destroy(req);
    await pause();
    generate(req);
    req.session.userId = userId;
  },
  "regenerate(), a save without the user id, then the user id": async (req, pause) => {
    const { userId } = req.session;
    await regenerate(req);
    req.session.visits = 1;
    await save(req);
    await pause();
    req.session.userId = userId;
  },
  "destroy(), generate() and another save before the last": async (req, pause) => {
    const { userId } = req.session;
    await destroy(req);
    await pause();
    generate(req);
    req.session.userId = userId;
    await save(req);
    req.session.visits = 1;
  },
};
const WAYS = Object.keys(BY_HAND);

describe.each(BACKENDS.map((make) => [make().name, make] as const))("on %s", (_name, makeBackend) => {
  const backend = makeBackend();
  beforeAll(() => backend.start());
  afterAll(() => backend.stop());
  const openSite = useSites();

  function site(pauseIn?: Gate, more: SiteOptions = {}) {
    return openSite({
      backend,
      ...more,
      after: (app: Express, auth: LogoutMiddleware) => {
        more.after?.(app, auth);
        app.post("/rotate/:way", (req, res, next) => {
          const act = BY_HAND[req.params.way] ?? regenerateTwice;
          act(req, () => pauseIn?.pass() ?? Promise.resolve()).then(() => res.json({}), next);
        });
      },
    });
  }

  describe("an app that rotates the session id manually", () => {
    it.each(WAYS)("keeps its user logged in, as one login: %s", async (way) => {
      const { login, user, auth } = await site();
      const browser = await login("alice");
      const [before] = (await auth.listLogins("alice")).items;
      for (let times = 0; times < 3; times += 1) {
        const old = browser.clone();
        await browser.post(`/rotate/${encodeURIComponent(way)}`);
        expect(browser.cookies).not.toBe(old.cookies);
        expect(await user(browser)).toBe("alice");
        expect(await user(old)).toBeNull();
      }
      const logins = (await auth.listLogins("alice")).items;
      expect(logins.map(({ id, began }) => [id, began])).toEqual([[before?.id, before?.began]]);
    });

    it("keeps a user logged in who has logged in with the same request", async () => {
      const { auth, url } = await site(undefined, {
        after: (app) => {
          app.post("/log-in-by-hand", (req, res, next) => {
            const logIn = async (): Promise<void> => {
              req.session.userId = "alice";
              await save(req);
              await destroy(req);
              generate(req);
              req.session.userId = "alice";
              await save(req);
            };
            logIn().then(() => res.json({}), next);
          });
        },
      });
      const browser = new Browser(url);
      await browser.post("/log-in-by-hand");
      expect((await browser.get("/me")).body).toEqual({ user: "alice" });
      expect((await auth.listLogins("alice")).items).toHaveLength(1);
    });

    const ENDS: Readonly<Record<string, (auth: LogoutMiddleware, loginId: string) => Promise<unknown>>> = {
      kick: (auth) => auth.kick("alice"),
      kickAll: (auth) => auth.kickAll(),
      kickLogin: (auth, loginId) => auth.kickLogin("alice", loginId),
    };
    it.each(WAYS.flatMap((way) => Object.keys(ENDS).map((end) => [way, end] as const)))(
      "does not log the user in again: %s, with a %s in between",
      async (way, end) => {
        const gate = new Gate();
        const { login, user, auth } = await site(gate);
        const browser = await login("alice");
        const [before] = (await auth.listLogins("alice")).items;
        const rotating = browser.post(`/rotate/${encodeURIComponent(way)}`);
        await gate.reached;
        await ENDS[end]?.(auth, before?.id ?? "");
        gate.open();
        await rotating;
        expect(await user(browser)).toBeNull();
        expect((await auth.listLogins("alice")).items).toEqual([]);
      },
    );

    it.each(WAYS)("does not keep the login after a logout everywhere else: %s", async (way) => {
      const gate = new Gate();
      const { login, user, auth } = await site(gate);
      const here = await login("alice");
      const [current] = (await auth.listLogins("alice")).items;
      const there = await login("alice");
      const rotating = there.post(`/rotate/${encodeURIComponent(way)}`);
      await gate.reached;
      expect((await here.post("/u/end-others")).status).toBe(303);
      gate.open();
      await rotating;
      expect([await user(here), await user(there)]).toEqual(["alice", null]);
      expect((await auth.listLogins("alice")).items.map(({ id }) => id)).toEqual([current?.id]);
    });

    it.each(WAYS)("keeps the spared login after a logout everywhere else: %s", async (way) => {
      const { login, user, auth } = await site();
      const [here, there] = [await login("alice"), await login("alice")];
      expect((await here.post("/u/end-others")).status).toBe(303);
      await here.post(`/rotate/${encodeURIComponent(way)}`);
      expect([await user(here), await user(there)]).toEqual(["alice", null]);
      expect((await auth.listLogins("alice")).items).toHaveLength(1);
    });

    it.each(WAYS)("does not log the user in again after a logout by another request: %s", async (way) => {
      const gate = new Gate();
      const out = new Gate();
      const { login, user, auth } = await site(gate, {
        after: (app) => {
          app.post("/out-slowly", (req, res, next) => {
            out
              .pass()
              .then(() => destroy(req))
              .then(() => res.json({}), next);
          });
        },
      });
      const browser = await login("alice");
      const loggingOut = browser.clone().post("/out-slowly");
      await out.reached;
      const rotating = browser.post(`/rotate/${encodeURIComponent(way)}`);
      await gate.reached;
      out.open();
      await loggingOut;
      gate.open();
      await rotating;
      expect(await user(browser)).toBeNull();
      expect((await auth.listLogins("alice")).items).toEqual([]);
    });
  });

  describe("a rotation by regenerate()", () => {
    it("keeps the login, also twice in one request", async () => {
      const { login, user, auth } = await site();
      const browser = await login("alice");
      const [before] = (await auth.listLogins("alice")).items;
      await browser.post("/rotate/twice");
      expect(await user(browser)).toBe("alice");
      expect((await auth.listLogins("alice")).items.map(({ id }) => id)).toEqual([before?.id]);
    });

    it("makes the old session id worthless, even if a request in flight saves it again", async () => {
      const gate = new Gate();
      const { login, user } = await site(undefined, {
        after: (app) => {
          app.post("/save-slowly", (req, res, next) => {
            gate.pass().then(() => {
              req.session.visits = 1;
              res.json({});
            }, next);
          });
        },
      });
      const browser = await login("alice");
      const old = browser.clone();
      const saving = old.clone().post("/save-slowly");
      await gate.reached;
      await browser.post("/rotate/twice");
      gate.open();
      await saving;
      expect([await user(old), await user(browser)]).toEqual([null, "alice"]);
    });

    it("by two requests at once keeps both session ids valid, as one login", async () => {
      const gate = new Gate();
      const { login, user, auth } = await site(undefined, {
        after: (app) => {
          app.post("/rotate-together", (req, res, next) => {
            const { userId } = req.session;
            gate
              .pass()
              .then(() => regenerate(req))
              .then(() => {
                req.session.userId = userId;
                res.json({});
              }, next);
          });
        },
      });
      const one = await login("alice");
      const two = one.clone();
      const rotating = [one.post("/rotate-together"), two.post("/rotate-together")];
      await gate.reachedBy(2);
      gate.open();
      await Promise.all(rotating);
      expect([await user(one), await user(two)]).toEqual(["alice", "alice"]);
      expect((await auth.listLogins("alice")).items).toHaveLength(1);
    });

    it("to another user ends the login of the first", async () => {
      const { login, user, auth } = await openSite({ backend });
      const browser = await login("alice");
      const old = browser.clone();
      await browser.post("/login", { user: "bob" });
      expect([await user(browser), await user(old)]).toEqual(["bob", null]);
      expect((await auth.listLogins("alice")).items).toEqual([]);
      expect((await auth.listLogins("bob")).items).toHaveLength(1);
    });
  });

  async function regenerateTwice(req: Request): Promise<void> {
    const { userId } = req.session;
    await regenerate(req);
    await regenerate(req);
    req.session.userId = userId;
  }
});
