// The bare arm with this package.
import { promisify } from "node:util";
import { RedisStore } from "connect-redis";
import express from "express";
import session, { MemoryStore } from "express-session";
import { logout } from "express-logout";
import { RedisLoginRegistry } from "express-logout/redis";
import { createClient } from "redis";
import { runArm } from "../support/arm.mjs";
import { addPages } from "../support/pages.mjs";

await runArm(async ({ redisPort, prefix, options = {}, registryOptions = {} }) => {
  const tracking = registryOptions.coherentCache && { emitInvalidate: true, maintNotifications: "disabled" };
  const url = `redis://127.0.0.1:${redisPort}`;
  const client = redisPort && (await createClient({ url, RESP: 3, ...tracking }).connect());
  const store = client ? new RedisStore({ client, prefix: `${prefix}sessions:` }) : new MemoryStore();
  const registry = client && new RedisLoginRegistry({ client, prefix: `${prefix}logins:`, ...registryOptions });
  const auth = logout({ store, registry, appId: "bench", ...options });
  const app = express();
  app.use(session({ store, secret: "bench", resave: false, saveUninitialized: false }));
  app.use(auth);
  addPages(app);
  return {
    app,
    kick: (userIds) => auth.kick(userIds),
    kickAll: () => auth.kickAll(),
    logins: (userId) => auth.listLogins(userId),
    // The cursor of a page is its offset, opaque to users.
    activeUsers: ({ page, limit }) =>
      auth.listActiveUsers({ limit, cursor: Buffer.from(`o${(page - 1) * limit}`).toString("base64url") }),
    isServed: async (sid) => (await promisify(store.get.bind(store))(sid)) != null,
  };
});
