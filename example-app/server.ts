import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { RedisStore } from "connect-redis";
import session from "express-session";
import { RedisLoginRegistry } from "express-logout/redis";
import { createClient } from "redis";
import { createApp } from "./app.js";
import { APP_ID, USER_POOL_ID } from "./config.js";
import { DEMO_PASSWORDS } from "./users.js";

const { REDIS_URL, PORT = "3000", ADMIN_TOKEN, SESSION_SECRET, SLOW_MS = "10000", COHERENT_CACHE } = process.env;
const origin = `http://localhost:${PORT}`;
const adminToken = ADMIN_TOKEN ?? randomBytes(16).toString("hex");

const { app } = createApp({
  ...(await openStore()),
  origin,
  adminToken,
  // Processes that share their sessions share the secret. This one is public: fit for a demo alone.
  sessionSecret: SESSION_SECRET ?? "the secret of the example app",
  slowMs: Number(SLOW_MS),
});
const server = app.listen(Number(PORT));
server.once("error", (error) => {
  console.error(`Cannot listen on port ${PORT}: ${error.message}. Choose another: PORT=3001 npm start`);
  process.exit(1);
});
await once(server, "listening");

const accounts = Object.entries(DEMO_PASSWORDS).map(([name, password]) => `${name} / ${password}`);
console.log(`
The shop is at ${origin}/, on ${REDIS_URL ?? "memory (set REDIS_URL for several processes)"}

  Log in      ${origin}/login      as ${accounts.join(", ")}
  Devices     ${origin}/u
  Console     ${origin}/console/applications/${APP_ID}/login-management   (as admin)
  Log out     ${origin}/login/profile/logout?redirect_uri=${encodeURIComponent(`${origin}/bye`)}
  Kick alice  curl -X POST ${origin}/api/applications/${APP_ID}/kick-active-users \\
                -H 'x-authing-userpool-id: ${USER_POOL_ID}' -H 'Authorization: ${adminToken}' \\
                -H 'Content-Type: application/json' -d '{"userIds":["alice"]}'
  Who is on   curl '${origin}/api/applications/${APP_ID}/active-users' \\
                -H 'x-authing-userpool-id: ${USER_POOL_ID}' -H 'Authorization: ${adminToken}'
`);

/** MemoryStore for one process; Redis, for the sessions and for the list of logins, for as many as one likes. */
async function openStore() {
  if (REDIS_URL === undefined) return { store: new session.MemoryStore(), registry: undefined };
  const coherentCache = COHERENT_CACHE !== undefined;
  const client = createClient(
    coherentCache
      ? { url: REDIS_URL, RESP: 3, emitInvalidate: true, maintNotifications: "disabled" }
      : { url: REDIS_URL },
  );
  client.on("error", (error: Error) => {
    console.error(`Redis: ${error.message}`);
  });
  await client.connect();
  return { store: new RedisStore({ client }), registry: new RedisLoginRegistry({ client, coherentCache }) };
}
