// One of two nodes that share their sessions: it holds WebSockets, which end with the login that opened them.
import process from "node:process";
import { RedisStore } from "connect-redis";
import express from "express";
import session from "express-session";
import { logout } from "express-logout";
import { RedisLoginRegistry } from "express-logout/redis";
import { createClient } from "redis";
import { WebSocketServer } from "ws";
import { runArm } from "../support/arm.mjs";
import { addPages } from "../support/pages.mjs";

/** One clock for every process of the machine. */
const nowMicros = () => Number(process.hrtime.bigint() / 1_000n);
const CHANNEL = "bench:floor";

await runArm(async ({ redisPort, prefix }) => {
  const client = await createClient({ url: `redis://127.0.0.1:${redisPort}` }).connect();
  const store = new RedisStore({ client, prefix: `${prefix}sessions:` });
  const registry = new RedisLoginRegistry({ client, prefix: `${prefix}logins:` });
  const auth = logout({ store, registry, appId: "bench", logins: { max: Infinity } });
  if (typeof auth.signal !== "function") {
    throw Object.assign(new Error("auth.signal() does not exist"), { code: "ERR_OPTION_UNKNOWN" });
  }
  const sessions = session({ store, secret: "bench", resave: false, saveUninitialized: false });
  const app = express().use(sessions, auth);
  addPages(app);

  const closedAt = new Map();
  const sockets = new WebSocketServer({ noServer: true });
  const upgrade = (req, socket, head) => {
    sessions(req, {}, () => {
      const { userId } = req.session;
      const signal = auth.signal(req);
      sockets.handleUpgrade(req, socket, head, (webSocket) => {
        webSocket.on("close", () => closedAt.set(userId, nowMicros()));
        signal.addEventListener("abort", () => webSocket.terminate(), { once: true });
      });
    });
  };

  const heardAt = new Map();
  const subscriber = await client.duplicate().connect();
  await subscriber.subscribe(CHANNEL, (text) => heardAt.set(text, nowMicros()));
  return {
    app,
    upgrade,
    kick: async (userId) => {
      const called = nowMicros();
      await auth.kick(userId);
      return { called, answered: nowMicros() };
    },
    publish: async (text) => {
      const called = nowMicros();
      await client.publish(CHANNEL, text);
      return { called, answered: nowMicros() };
    },
    closedAt: (userId) => closedAt.get(userId),
    heardAt: (text) => heardAt.get(text),
  };
});
