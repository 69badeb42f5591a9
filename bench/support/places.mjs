// Where an arm keeps its sessions, and how the arms of the same place are connected to it.
import { join } from "node:path";
import { RedisStore } from "connect-redis";
import { MemoryStore } from "express-session";
import { createClient } from "redis";
import { openSqlite, SqliteStore } from "./sqlite-store.mjs";

/** By the `place` in an arm's settings; the default is Redis. `connection`: with which settings an arm finds its part of it. */
const PLACES = {
  redis: {
    connection: ({ redisPort }, name) => ({ redisPort, prefix: `${name}:` }),
    open: async ({ redisPort, prefix }, clientOptions) => {
      const client = await createClient({ url: `redis://127.0.0.1:${redisPort}`, ...clientOptions }).connect();
      return { client, store: new RedisStore({ client, prefix: `${prefix}sessions:` }) };
    },
  },
  memory: {
    connection: () => ({}),
    open: () => ({ store: new MemoryStore() }),
  },
  sqlite: {
    connection: ({ folder }, name) => ({ file: join(folder, `${name}.db`) }),
    open: ({ file }) => {
      const database = openSqlite(file);
      return { database, store: new SqliteStore(database) };
    },
  },
};

export const placeOf = ({ place = "redis" } = {}) => place;

/**
 * Returns the settings with which an arm finds its place.
 *
 * @param servers - `redisPort`: the port of a Redis; `folder`: a folder for files
 * @param name - of the arm's own part of the place
 */
export function connectionOf(settings, servers, name) {
  return PLACES[placeOf(settings)].connection(servers, name);
}

/** Opens the place of an arm, in its process: `store`, and the connection that a registry can use. */
export async function openPlace(settings, clientOptions) {
  return PLACES[placeOf(settings)].open(settings, clientOptions);
}
