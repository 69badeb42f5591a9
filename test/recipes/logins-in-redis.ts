import { RedisLoginRegistry } from "express-logout/redis";
import { createClient } from "redis";

/** The list of logins in Redis. */
export async function loginsInRedis(url: string, report: (error: Error) => void) {
  const client = createClient({ url });
  client.on("error", report); // without a listener an error ends the process
  await client.connect();
  return { registry: new RedisLoginRegistry({ client }), client };
}
