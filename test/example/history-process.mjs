// Kicks a user, and says so once the logins have ended and nothing is recorded by this process yet. It then waits to be killed. The
// arguments: the kind of registry, and its address.
import { once } from "node:events";
import { MemoryStore } from "express-session";
import { logout } from "express-logout";

const OPEN = {
  redis: async (url) => {
    const [{ createClient }, { RedisLoginRegistry }] = await Promise.all([
      import("redis"),
      import("express-logout/redis"),
    ]);
    return new RedisLoginRegistry({ client: await createClient({ url }).connect() });
  },
  postgres: async (url) => {
    const [{ Pool }, { PostgresLoginRegistry }] = await Promise.all([import("pg"), import("express-logout/postgres")]);
    return new PostgresLoginRegistry({ pool: new Pool({ connectionString: url }) });
  },
  sqlite: async (file) => {
    const { SqliteLoginRegistry } = await import("express-logout/sqlite");
    return new SqliteLoginRegistry({ database: file });
  },
};

const [kind, address] = process.argv.slice(2);
const registry = await OPEN[kind](address);
// The log is called first, and never settles.
const log = () => {
  console.log("ended");
  return once(process, "never");
};
const auth = logout({ store: new MemoryStore(), registry, appId: "shop", audit: { log, history: {} } });
await auth.kick("alice", { by: "the process that dies" });
