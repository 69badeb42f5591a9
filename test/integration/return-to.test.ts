import { describe, expect, it } from "@jest/globals";
import { ensureLoggedIn } from "connect-ensure-login";
import express, { type Express, type RequestHandler } from "express";
import passport from "passport";
import { Strategy as LocalStrategy } from "passport-local";
import { keepReturnTo } from "../recipes/return-to.js";
import { Browser } from "../support/http.js";
import { TRICKS } from "../support/open-redirects.js";
import { useSites } from "../support/site.js";

const openSite = useSites();

/** An app of passport's that reads the way back in the session. */
const open = () => {
  const authenticator = new passport.Passport();
  authenticator.serializeUser((user, done) => done(null, (user as { id: string }).id));
  authenticator.deserializeUser((id: string, done) => done(null, { id }));
  authenticator.use(new LocalStrategy((username, _password, done) => done(null, { id: username })));
  const options = { successReturnToOrRedirect: "/home", keepSessionInfo: true };
  return openSite({
    before: (app: Express) => app.use(authenticator.session()),
    after: (app: Express) => {
      app.get("/sign-in", keepReturnTo, (_req, res) => res.send("log in"));
      app.use(express.urlencoded({ extended: false }));
      app.post("/sign-in", authenticator.authenticate("local", options) as RequestHandler);
      app.get("/private", ensureLoggedIn("/sign-in"), (_req, res) => res.send("private"));
    },
    auth: { redirects: { login: "/sign-in" } },
  });
};

const send = (browser: Browser) =>
  browser.post(
    "/sign-in",
    { username: "alice", password: "x" },
    { "Content-Type": "application/x-www-form-urlencoded" },
  );

describe("the recipe for apps that read returnTo in the session", () => {
  it("returns to the page that needed a login", async () => {
    const browser = new Browser((await open()).url);
    const { headers } = await browser.get("/u?a=1", { Accept: "text/html" });
    expect((await browser.get(headers["location"] ?? "")).status).toBe(200);
    expect((await send(browser)).headers["location"]).toBe("/u?a=1");
    expect((await browser.get("/u?a=1")).status).toBe(200);
  });

  it("returns also after a kick, and leaves the app's own return path unchanged", async () => {
    const site = await open();
    const browser = new Browser(site.url);
    await send(browser);
    await site.auth.kick("alice");
    expect((await browser.get("/private")).status).toBe(401);
    expect((await browser.get("/private")).headers["location"]).toBe("/sign-in");
    expect((await browser.get("/sign-in")).status).toBe(200);
    expect((await send(browser)).headers["location"]).toBe("/private");
  });

  it("leads to no other site: every known trick", async () => {
    const browser = new Browser((await open()).url);
    await browser.get("/sign-in?returnTo=/u");
    for (const trick of [...TRICKS, "//evil.example", "/%5Cevil.example", "/%09/evil.example", "/%0a/evil.example"]) {
      await browser.get(`/sign-in?returnTo=${trick}`);
    }
    expect(new URL((await send(browser)).headers["location"] ?? "", "https://shop.example").host).toBe("shop.example");
  }, 60_000);
});
