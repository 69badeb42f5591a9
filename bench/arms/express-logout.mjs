// The bare arm with this package.
import { promisify } from "node:util";
import express from "express";
import session from "express-session";
import { logout } from "express-logout";
import { RedisLoginRegistry } from "express-logout/redis";
import { SqliteLoginRegistry } from "express-logout/sqlite";
import { runArm } from "../support/arm.mjs";
import { addPages } from "../support/pages.mjs";
import { openPlace, placeOf } from "../support/places.mjs";

/** The registry that belongs to a place. */
const REGISTRIES = {
  redis: ({ client }, { prefix, registryOptions }) =>
    new RedisLoginRegistry({ client, prefix: `${prefix}logins:`, ...registryOptions }),
  memory: () => undefined,
  sqlite: ({ database }) => new SqliteLoginRegistry({ database }),
};

await runArm(async (settings) => {
  const { options = {}, registryOptions = {} } = settings;
  const tracking = registryOptions.coherentCache && { emitInvalidate: true, maintNotifications: "disabled" };
  const place = await openPlace(settings, { RESP: 3, ...tracking });
  const { store } = place;
  const registry = REGISTRIES[placeOf(settings)](place, settings);
  // The arms that it is compared with have no limit of logins.
  const auth = logout({ store, registry, appId: "bench", logins: { max: Infinity }, ...options });
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
