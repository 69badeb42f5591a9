// Kicks a hundred users at once, and says how many were online.
import { RedisStore } from "connect-redis";
import { logout } from "express-logout";
import { RedisLoginRegistry } from "express-logout/redis";
import { createClient } from "redis";

const client = await createClient({ url: process.argv[2] }).connect();
const store = new RedisStore({ client });
const auth = logout({ store, registry: new RedisLoginRegistry({ client }), appId: "shop" });
const { users } = await auth.kick(Array.from({ length: 100 }, (_each, number) => number));
console.log(`${users} users`);
await auth.close();
client.destroy();
