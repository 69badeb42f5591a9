import { RedisStore } from "connect-redis";
import session, { type Store } from "express-session";
import type { LoginRegistry } from "express-logout";
import { RedisLoginRegistry } from "express-logout/redis";
import { SqliteLoginRegistry } from "express-logout/sqlite";
import { createClient } from "redis";
import sessionFileStore from "session-file-store";

/** Where the sessions and the list of logins are. */
export interface Place {
  readonly name: string;
  readonly store: Store;
  readonly registry: LoginRegistry | undefined;
  /** The options by which the command line finds the logins. Memory belongs to one process. */
  readonly cliOptions?: string;
}

/** Opens memory for one process, files for one machine, or Redis for as many machines as one likes. */
export async function openPlace({ LOGINS, REDIS_URL, COHERENT_CACHE }: NodeJS.ProcessEnv): Promise<Place> {
  if (LOGINS !== undefined) return inFiles(LOGINS);
  if (REDIS_URL !== undefined) return inRedis(REDIS_URL, COHERENT_CACHE !== undefined);
  const name = "memory (LOGINS=logins.db survives a restart, REDIS_URL is for several machines)";
  return { name, store: new session.MemoryStore(), registry: undefined };
}

/** The logins in an SQLite file, the sessions in a folder beside it. */
function inFiles(file: string): Place {
  const path = `${file}-sessions`;
  const FileStore = sessionFileStore(session);
  const store = new FileStore({
    path,
    retries: 0, // by default a request with the cookie of a deleted session waits for a quarter of a second
    logFn: () => undefined,
  });
  const registry = new SqliteLoginRegistry({ database: file });
  return { name: `${file}, with sessions in ${path}`, store, registry, cliOptions: ` --sqlite ${file}` };
}

async function inRedis(url: string, coherentCache: boolean): Promise<Place> {
  const client = createClient(
    coherentCache ? { url, RESP: 3, emitInvalidate: true, maintNotifications: "disabled" } : { url },
  );
  client.on("error", (error: Error) => {
    console.error(`Redis: ${error.message}`);
  });
  await client.connect();
  const registry = new RedisLoginRegistry({ client, coherentCache });
  return { name: url, store: new RedisStore({ client }), registry, cliOptions: " (with this REDIS_URL)" };
}
