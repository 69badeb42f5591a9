import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import express from "express";
import { oneDevice } from "../recipes/one-device.js";
import { passwordChanged } from "../recipes/password-changed.js";
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
