import { describe, expect, it } from "@jest/globals";
import { isNamedBy } from "../../lib/util/debug.js";
import { runBundle } from "../support/bundle.js";

const SOURCE = `
  import express from "express";
  import session, { MemoryStore } from "express-session";
  import { logout, MemoryLoginRegistry } from "./lib/index.ts";
  let isBroken = false;
  class ShopStore extends MemoryStore {
    destroy(sid, done) {
      if (isBroken) done(new Error("cannot destroy " + sid));
      else super.destroy(sid, done);
    }
  }
  const store = new ShopStore();
  const admin = { userPoolId: "acme", tokens: ["an admin token"] };
  const auth = logout({ store, appId: "shop", admin, registry: new MemoryLoginRegistry() });
  const app = express();
  app.use(session({ store, secret: "s", resave: false, saveUninitialized: false }));
  app.use(auth);
  app.get("/in", (req, res) => {
    Object.assign(req.session, { userId: "alice", card: "4111 1111" });
    req.session.save(() => res.send(req.sessionID));
  });
  const server = app.listen(0, "127.0.0.1", async () => {
    const base = "http://127.0.0.1:" + server.address().port;
    const answer = await fetch(base + "/in");
    const cookie = answer.headers.get("set-cookie").split(";")[0];
    const headers = { authorization: "an admin token", "x-authing-userpool-id": "acme" };
    await fetch(base + "/api/applications/shop/active-users", { headers });
    await fetch(base + "/login/profile/logout", { method: "POST", body: "{broken", headers: { "content-type": "application/json" } });
    await auth.kick("alice", { reason: "a secret reason" });
    isBroken = true;
    await fetch(base + "/login", { headers: { cookie, accept: "text/html" } });
    isBroken = false;
    const { status } = await fetch(base + "/me", { headers: { cookie } });
    console.log(JSON.stringify({ sid: await answer.text(), cookie, status }));
    process.exit();
  });`;

interface Run {
  readonly lines: readonly string[];
  readonly stderr: string;
  readonly printed: { readonly sid: string; readonly cookie: string; readonly status: number };
}

function run(env: Readonly<Record<string, string>>): Run {
  const { stdout, stderr } = runBundle(SOURCE, { env: { NODE_DEBUG: "", DEBUG: "", ...env } });
  const lines = stderr.split("\n").filter((line) => line !== "");
  return { lines, stderr, printed: JSON.parse(stdout) as Run["printed"] };
}

const DATE = String.raw`\d{4}-\d\d-\d\dT[\d:.]+Z`;

describe.each([
  ["NODE_DEBUG=express-logout", { NODE_DEBUG: "express-logout" }, String.raw`EXPRESS-LOGOUT \d+: `],
  ["DEBUG=express-logout*", { DEBUG: "express-logout*" }, `${DATE} express-logout `],
])("%s", (_name, env, head) => {
  it("shows the set-up, changes of users, rejections and swallowed errors, and no secret", () => {
    const { lines, stderr, printed } = run(env);
    const own = lines
      .filter((line) => new RegExp(`^${head}`).test(line))
      .map((line) => line.replace(new RegExp(`^${head}`), ""));
    expect(printed.status).toBe(401);
    expect(own).toEqual([
      expect.stringMatching(/^set-up of shop: /),
      "save: the user changes from none to alice",
      "a form that needs no field could not be read: ERR_REQUEST_INVALID: The body is not valid JSON.",
      expect.stringMatching(/^rejected a session of .*, with a reason$/),
      expect.stringMatching(/^the reason of a kick was not removed.*: ERR_STORE_UNAVAILABLE: .*cannot destroy …\)$/),
      expect.stringMatching(/^rejected a session of .*, with a reason$/),
    ]);
    for (const secret of [printed.sid, printed.cookie, "a secret reason", "an admin token", "{broken", "4111 1111"]) {
      expect(stderr).not.toContain(secret);
    }
  });
});

describe("an error in the debug log", () => {
  it("has its code, its message without what is hidden, and its causes, in one line", () => {
    const source = `
      import { debugError } from "./lib/util/debug.ts";
      const cause = new SyntaxError("Unexpected token: 4111");
      const error = Object.assign(new Error("GET sid-4711 failed\\nforged line", { cause }), { code: "EFAILED", args: ["sid-4711"] });
      debugError("a step failed", error, ["sid-4711"]);`;
    const { stderr } = runBundle(source, { env: { NODE_DEBUG: "", DEBUG: "express-logout" } });
    expect(stderr.replace(/^\S+ /, "")).toBe(
      "express-logout a step failed: EFAILED: GET … failed forged line (SyntaxError: data cannot be parsed)\n",
    );
  });
});

describe("without a variable that names it", () => {
  it("is silent", () => {
    expect(run({ DEBUG: "http" }).lines.filter((line) => / express-logout |EXPRESS-LOGOUT /.test(line))).toEqual([]);
  });
});

describe("DEBUG", () => {
  it.each([
    ["express-logout", true],
    ["express-logout*", true],
    ["express*", true],
    ["app, express-logout", true],
    ["app express-logout", true],
    ["*", true],
    ["*,-express*", false],
    ["-express-logout,express-logout", false],
    ["express", false],
    ["express:*", false],
    ["express.logout", false],
    ["", false],
    ["1", false],
  ])("%j names express-logout: %s", (names, isNamed) => {
    expect(isNamedBy(names)).toBe(isNamed);
  });
});
