// Kicks users by a call for each, and writes each entry of its audit log as a line. The arguments: the URL of Redis, and the numbers of the
// first user and of the one after the last. It listens to the kicks of the other process, too.
import { RedisStore } from "connect-redis";
import { logout } from "express-logout";
import { RedisLoginRegistry } from "express-logout/redis";
import { createClient } from "redis";

const [url, from, to] = process.argv.slice(2);
const client = await createClient({ url }).connect();
const auth = logout({
  store: new RedisStore({ client }),
  registry: new RedisLoginRegistry({ client }),
  appId: "shop",
  audit: { log: (entry) => console.log(JSON.stringify(entry)) },
});
auth.on("kick", () => undefined);
for (let user = Number(from); user < Number(to); user += 50) {
  const users = Array.from({ length: 50 }, (_each, number) => user + number);
  await Promise.all(users.map((each) => auth.kick(each, { by: `process ${from}` })));
}
await auth.close();
client.destroy();
