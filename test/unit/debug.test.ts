import { describe, expect, it } from "@jest/globals";
import { runBundle } from "../support/bundle.js";

const SOURCE = `
  import express from "express";
  import session, { MemoryStore } from "express-session";
  import { logout } from "./lib/index.ts";
  const store = new MemoryStore();
  const auth = logout({ store, appId: "shop" });
  const app = express();
  app.use(session({ store, secret: "s", resave: false, saveUninitialized: false }));
  app.use(auth);
  app.get("/in", (req, res) => { req.session.userId = "alice"; req.session.save(() => res.send(req.sessionID)); });
  const server = app.listen(0, "127.0.0.1", async () => {
    const base = "http://127.0.0.1:" + server.address().port;
    const answer = await fetch(base + "/in");
    const cookie = answer.headers.get("set-cookie").split(";")[0];
    await auth.kick("alice", { reason: "a secret reason" });
    const { status } = await fetch(base + "/me", { headers: { cookie } });
    console.log(JSON.stringify({ sid: await answer.text(), status }));
    process.exit();
  });`;

describe("NODE_DEBUG=express-logout", () => {
  it("shows the set-up, changes of users and rejections, and no secret", () => {
    const { stdout, stderr } = runBundle(SOURCE, { env: { NODE_DEBUG: "express-logout" } });
    const { sid, status } = JSON.parse(stdout) as { sid: string; status: number };
    const lines = stderr.split("\n").filter((line) => line.startsWith("EXPRESS-LOGOUT"));
    expect(status).toBe(401);
    expect(lines).toEqual([
      expect.stringMatching(/: set-up of shop: /),
      expect.stringMatching(/: save: the user changes from none to alice$/),
      expect.stringMatching(/: rejected a session of .*, with a reason$/),
    ]);
    expect(stderr).toContain("kind: 'MemoryStore'");
    expect(stderr).not.toContain(sid);
    expect(stderr).not.toContain("secret");
  });

  it("is silent without it", () => {
    expect(runBundle(SOURCE, { env: { NODE_DEBUG: "" } }).stderr).toBe("");
  });
});
