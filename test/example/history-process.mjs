// Kicks a user, and says so once the logins have ended and nothing is recorded by this process yet. It then waits to be killed. The
// registry is named as for the command line: by REDIS_URL, DATABASE_URL or --sqlite.
import { once } from "node:events";
import { MemoryStore } from "express-session";
import { logout } from "express-logout";
import { PostgresLoginRegistry } from "express-logout/postgres";
import { RedisLoginRegistry } from "express-logout/redis";
import { SqliteLoginRegistry } from "express-logout/sqlite";
import { Pool } from "pg";
import { createClient } from "redis";

async function openRegistry() {
  const { REDIS_URL, DATABASE_URL } = process.env;
  if (REDIS_URL !== undefined)
    return new RedisLoginRegistry({ client: await createClient({ url: REDIS_URL }).connect() });
  if (DATABASE_URL !== undefined)
    return new PostgresLoginRegistry({ pool: new Pool({ connectionString: DATABASE_URL }) });
  return new SqliteLoginRegistry({ database: process.argv.at(-1) });
}

const registry = await openRegistry();
// The log is called first, and never settles.
const log = () => {
  console.log("ended");
  return once(process, "never");
};
const auth = logout({ store: new MemoryStore(), registry, appId: "shop", audit: { log, history: {} } });
await auth.kick("alice", { by: "the process that dies" });
