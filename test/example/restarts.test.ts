import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import express from "express";
import session from "express-session";
import sessionFileStore from "session-file-store";
import { startExample, type Example } from "../support/example-server.js";
import { Browser, serve } from "../support/http.js";

const RESTARTS = 10;
const SESSION_SECRET = "a secret of the tests";
const PASSWORDS = { alice: "wonderland", bob: "can-we-fix-it", admin: "in-charge" } as const;
type User = keyof typeof PASSWORDS;

let folder: string;
let logins: string;
let example: Example | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "express-logout-restarts-"));
  logins = join(folder, "logins.db");
});
afterEach(async () => {
  await example?.kill();
  example = undefined;
  rmSync(folder, { recursive: true });
});

/** Starts the example app, after it has been ended in the middle of its work. */
async function restart(): Promise<Example> {
  await example?.kill();
  example = undefined;
  return (example = await startExample({ LOGINS: logins, SESSION_SECRET }));
}

/** Logs users in to the shop as it was before express-logout was installed. Returns their cookies. */
async function logInBeforeTheInstallation(users: readonly User[]): Promise<string[]> {
  const FileStore = sessionFileStore(session);
  const store = new FileStore({ path: `${logins}-sessions`, logFn: () => undefined });
  const app = express();
  const cookie = { maxAge: 86_400_000 };
  app.use(session({ store, secret: SESSION_SECRET, resave: false, saveUninitialized: false, cookie }));
  app.post("/login/:user", (req, res, next) => {
    req.session.userId = req.params.user;
    req.session.save((error?: unknown) => (error === undefined || error === null ? res.json({}) : next(error)));
  });
  const server = await serve(app);
  const browsers = users.map(() => new Browser(server.url));
  for (const [index, user] of users.entries()) await browsers[index]?.post(`/login/${user}`);
  await server.close();
  return browsers.map(({ cookies }) => cookies);
}

async function logIn({ origin }: Example, username: User): Promise<string> {
  const browser = new Browser(origin);
  await browser.post("/login", { username, password: PASSWORDS[username] });
  return browser.cookies;
}

/** Whom the app serves with a cookie. A thief sends the same cookie again and again, also a cleared one. */
async function userOf({ origin }: Example, cookie: string): Promise<unknown> {
  const response = await fetch(`${origin}/me`, { headers: { cookie }, redirect: "manual" });
  if (response.status === 200) return ((await response.json()) as { user: unknown }).user;
  await response.text();
  return [302, 401].includes(response.status) ? "logged out" : response.status;
}

const usersOf = (shop: Example, cookies: readonly string[]): Promise<unknown[]> =>
  Promise.all(cookies.map((cookie) => userOf(shop, cookie)));

describe("the example app on an SQLite file, ended by SIGKILL again and again", () => {
  it("keeps a kicked user out, with sessions from before and after the installation, and logs no other user out", async () => {
    const [aliceUsed = "", aliceUnused = "", ...bob] = await logInBeforeTheInstallation(["alice", "alice", "bob"]);
    const first = await restart();
    const ended = [aliceUsed, await logIn(first, "alice"), await logIn(first, "alice")];
    const live: [user: User, cookie: string][] = [...bob, await logIn(first, "bob")].map((cookie) => ["bob", cookie]);
    expect(await usersOf(first, ended)).toEqual(["alice", "alice", "alice"]);
    expect(await usersOf(first, bob)).toEqual(["bob"]);
    await first.kick(["alice"]);

    for (let number = 1; number <= RESTARTS; number++) {
      const shop = await restart();
      const thieves = number === RESTARTS ? [...ended, aliceUnused] : ended;
      const [rejected, served] = await Promise.all([
        usersOf(shop, thieves),
        usersOf(
          shop,
          live.map(([, cookie]) => cookie),
        ),
      ]);
      expect({ number, rejected, served }).toEqual({
        number,
        rejected: thieves.map(() => "logged out"),
        served: live.map(([user]) => user),
      });
      // The only way back in is a new login. This one, too, is at once followed by the end of the process.
      const user = number === RESTARTS / 2 ? "alice" : "admin";
      live.push([user, await logIn(shop, user)]);
    }
  }, 180_000);
});
