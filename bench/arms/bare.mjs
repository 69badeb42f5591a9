// express and express-session alone: what every other arm is compared with.
import { RedisStore } from "connect-redis";
import express from "express";
import session, { MemoryStore } from "express-session";
import { createClient } from "redis";
import { runArm } from "../support/arm.mjs";
import { addPages, destroySessionsOf } from "../support/pages.mjs";

await runArm(async ({ redisPort, prefix, emptyMiddleware = false }) => {
  const client = redisPort && (await createClient({ url: `redis://127.0.0.1:${redisPort}` }).connect());
  const store = client ? new RedisStore({ client, prefix }) : new MemoryStore();
  const app = express();
  app.use(session({ store, secret: "bench", resave: false, saveUninitialized: false }));
  if (emptyMiddleware) app.use((req, res, next) => next());
  addPages(app);
  const kick = (userIds) => {
    const kicked = new Set([userIds].flat());
    return destroySessionsOf(store, ({ userId }) => kicked.has(userId));
  };
  return { app, kick, kickAll: () => destroySessionsOf(store, ({ userId }) => userId !== undefined) };
});
