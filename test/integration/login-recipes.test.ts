import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import express from "express";
import { actAs, keys, stopActing, userId } from "../recipes/impersonation.js";
import { oneDevice } from "../recipes/one-device.js";
import { passwordChanged } from "../recipes/password-changed.js";
import { confirmPassword, returnPath } from "../recipes/step-up.js";
import { Browser } from "../support/http.js";
import { useSites } from "../support/site.js";
import { BACKENDS } from "../support/stores.js";

const isRight = (body: unknown): boolean => (body as { password?: unknown }).password === "right";

describe.each(BACKENDS.map((make) => [make().name, make] as const))("the recipes for logins, on %s", (_name, make) => {
  const backend = make();
  beforeAll(() => backend.start());
  afterAll(() => backend.stop());
  const openSite = useSites();

  const incomplete: string[] = [];
  const open = () =>
    openSite({
      backend,
      after: (app, auth) => {
        app.use(express.json());
        app.post(
          "/one-device",
          oneDevice(auth, (body) => Promise.resolve(isRight(body) ? "alice" : undefined)),
        );
        app.post(
          "/password",
          passwordChanged(
            auth,
            (_userId, body) => Promise.resolve(isRight(body)),
            (userIds) => incomplete.push(...userIds),
          ),
        );
      },
    });

  it("impersonation: a login in which someone acts as another user belongs to both", async () => {
    const site = await openSite({
      backend,
      auth: { userId, logins: { keys } },
      after: (app) => {
        app.post("/act-as/:customer", (req, res, next) => {
          actAs(req, "root", req.params.customer).then(() => res.json({}), next);
        });
        app.post("/stop", stopActing);
      },
    });
    const acting = async () => {
      const browser = await site.login("root");
      await browser.post("/act-as/alice");
      expect(await site.user(browser)).toBe("alice");
      return browser;
    };
    const [first, alice, root] = [await acting(), await site.login("alice"), await site.login("root")];
    expect(await site.auth.kick("root")).toEqual({ users: 1, logins: 2 });
    expect(await Promise.all([first, alice, root].map(site.user))).toEqual([null, "alice", null]);
    const second = await acting();
    await site.auth.kick("alice");
    expect(await site.user(second)).toBeNull();
    const third = await acting();
    await third.post("/stop");
    expect(await site.user(third)).toBe("root");
    await site.auth.kick("root");
    expect(await site.user(third)).toBeNull();
  });

  it("step-up: a password makes the login fresh, and leads back", async () => {
    const site = await openSite({
      backend,
      auth: { logins: { startsFresh: () => false } },
      after: (app, auth) => {
        const requireFresh = auth.requireFresh({ maxAgeMs: 60_000, confirmUrl: "/confirm" });
        app.get("/pay", requireFresh, (_req, res) => res.json({ paid: true }));
        const handler = confirmPassword(auth, (_userId, body) => Promise.resolve(isRight(body)));
        app.post("/confirm", express.json(), handler);
      },
    });
    const browser = await site.login("alice");
    const { headers } = await browser.get("/pay?sum=1", { Accept: "text/html" });
    const returnTo = new URL(headers["location"] ?? "", site.url).searchParams.get("returnTo");
    expect((await browser.post("/confirm", { password: "wrong", returnTo })).status).toBe(401);
    expect((await browser.get("/pay")).status).toBe(403);
    const confirmed = await browser.post("/confirm", { password: "right", returnTo });
    expect([confirmed.status, confirmed.headers["location"]]).toEqual([303, "/pay?sum=1"]);
    expect((await browser.get("/pay?sum=1")).body).toEqual({ paid: true });
    expect((await new Browser(site.url).post("/confirm", { password: "right" })).status).toBe(401);
  });

  it.each(["//evil.example", "/\\evil.example", "https://evil.example", "/a\nb", 7, undefined])(
    "step-up: %p leads to the start",
    (returnTo) => {
      expect(returnPath(returnTo)).toBe("/");
    },
  );

  it("one device at a time: the newest login is the only one, also from a logged-in browser", async () => {
    const site = await open();
    const [one, two] = [new Browser(site.url), new Browser(site.url)];
    for (const browser of [one, two, two]) {
      expect((await browser.post("/one-device", { password: "right" })).status).toBe(204);
      expect(await site.user(browser)).toBe("alice");
    }
    const { status, body } = await one.get("/me");
    expect([status, JSON.stringify(body)]).toEqual([401, expect.stringContaining("another device")]);
    expect((await site.auth.listLogins("alice")).total).toBe(1);
  });

  it("one device at a time: a wrong password ends nothing", async () => {
    const site = await open();
    const browser = await site.login("alice");
    expect((await new Browser(site.url).post("/one-device", { password: "wrong" })).status).toBe(401);
    expect(await site.user(browser)).toBe("alice");
  });

  it("password changed: this browser stays, every other one is logged out", async () => {
    const site = await open();
    const [here, elsewhere] = [await site.login("alice"), await site.login("alice")];
    expect((await here.post("/password", { password: "right" })).status).toBe(204);
    expect(await site.user(here)).toBe("alice");
    expect((await elsewhere.get("/me")).status).toBe(401);
    expect([(await site.auth.listLogins("alice")).total, incomplete]).toEqual([1, []]);
  });

  it("password changed: a rejected or an anonymous change ends nothing", async () => {
    const site = await open();
    const browser = await site.login("alice");
    expect((await browser.post("/password", { password: "wrong" })).status).toBe(400);
    expect((await new Browser(site.url).post("/password", { password: "right" })).status).toBe(401);
    expect(await site.user(browser)).toBe("alice");
  });
});
