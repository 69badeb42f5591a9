import { describe, expect, it } from "@jest/globals";
import flash from "connect-flash";
import { ensureLoggedIn } from "connect-ensure-login";
import type { Express, RequestHandler } from "express";
import passport from "passport";
import passport06 from "passport06";
import { Strategy as LocalStrategy } from "passport-local";
import type { Device } from "./support/device.js";
import { reportTried, useShops } from "./support/field.js";
import { expectJourney, expectRejection, greeted, kick } from "./support/journey.js";
import { greet, type Parts } from "./support/shop.js";

interface User {
  readonly id: string;
}
interface WithFlash {
  flash(kind: string, text?: string): string[];
}

const VERSIONS: Readonly<Record<string, typeof passport>> = { passport, passport06 };

reportTried("middleware", ["passport", "passport06", "passport-local", "connect-ensure-login", "connect-flash"]);

/** An app of passport's tutorial: a local strategy, flash messages, pages that send to the login and back. */
function tutorial(module: typeof passport): Parts {
  const authenticator = new module.Passport();
  authenticator.use(
    new LocalStrategy({ usernameField: "user", passwordField: "password" }, (username, password, done) => {
      if (password === "right") done(null, { id: username });
      else done(null, false, { message: "Wrong name or password." });
    }),
  );
  authenticator.serializeUser((user, done) => done(null, (user as User).id));
  authenticator.deserializeUser((id: string, done) => done(null, { id }));
  const logIn = authenticator.authenticate("local", {
    successReturnToOrRedirect: "/",
    failureRedirect: "/login",
    failureFlash: true,
    successFlash: "Welcome back.",
    keepSessionInfo: true,
  }) as RequestHandler;
  return {
    afterSession: (app) =>
      app.use(authenticator.initialize() as RequestHandler, authenticator.session() as RequestHandler, flash()),
    routes: addPages,
    logIn: [logIn],
  };
}

function addPages(app: Express): void {
  app.get("/me", ensureLoggedIn(), (req, res) => {
    const messages = (req as unknown as WithFlash).flash("success").join();
    res.send(`${greet((req.user as User).id)}<p>${messages}</p>`);
  });
  app.get("/messages", (req, res) => res.json((req as unknown as WithFlash).flash("error")));
  app.post("/logout", (req, res, next) => {
    req.logout((error: unknown) => {
      if (error == null) res.redirect(303, "/");
      else next(error);
    });
  });
}

describe.each(Object.entries(VERSIONS))("%s with connect-ensure-login and connect-flash", (_name, module) => {
  const openShop = useShops();
  const logIn = (device: Device, user: string) => device.form("/login", { user, password: "right" });

  it("the journey", async () => {
    const shop = await openShop(tutorial(module));
    await expectJourney({ ...shop, logIn });
  });

  it("returns to the requested page, also after a kick, and shows the message of the login", async () => {
    const shop = await openShop(tutorial(module));
    const alice = await shop.device("nobody");
    const asked = await alice.page("/me");
    expect([asked.status, asked.headers["location"]]).toEqual([302, "/login"]);
    const login = await logIn(alice, "alice");
    expect(login.headers["location"]).toBe("/me");
    expect((await alice.page("/me")).text).toContain("<p>Welcome back.</p>");

    await kick(shop.url, ["alice"]);
    expectRejection(await alice.page("/me"));
    expect((await alice.page("/me")).headers["location"]).toBe("/login");
    expect((await logIn(alice, "alice")).headers["location"]).toBe("/me");
    expect((await alice.page("/me")).text).toContain("<p>Welcome back.</p>");
  });

  it("keeps the message of a failed login with a kicked cookie", async () => {
    const shop = await openShop(tutorial(module));
    const alice = await shop.device("nobody");
    await logIn(alice, "alice");
    await kick(shop.url, ["alice"]);
    const failed = await alice.form("/login", { user: "alice", password: "wrong" });
    expect([failed.status, failed.headers["location"]]).toEqual([302, "/login"]);
    await alice.page("/login");
    expect((await alice.data("/messages")).body).toEqual(["Wrong name or password."]);
    await logIn(alice, "alice");
    expect(greeted(await alice.page("/me"))).toBe("alice");
  });

  it("req.logout is as final as the logout address", async () => {
    const shop = await openShop(tutorial(module));
    const alice = await shop.device("nobody");
    await logIn(alice, "alice");
    const copy = alice.clone();
    expect((await alice.form("/logout")).status).toBe(303);
    for (const device of [alice, copy]) expect(greeted(await device.page("/me"))).toBeUndefined();
    expect((await shop.auth.listLogins("alice")).total).toBe(0);
  });
});
