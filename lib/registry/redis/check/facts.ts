import { isNativeError } from "node:util/types";
import { Deadline } from "../../../util/deadline.js";
import { ignored } from "../../../util/debug.js";
import type { RedisAdapter } from "../clients/index.js";
import type { AppKeys } from "../keys.js";
import type { LoginIndex } from "../login-index.js";

/** The fields of `INFO`, or of `CONFIG GET`. */
export type Fields = ReadonlyMap<string, string>;

/** What a server says about itself. What it refuses is absent. */
export interface Facts {
  readonly info?: Fields | undefined;
  readonly config?: Fields | undefined;
  /** The version of the protocol. */
  readonly resp?: string | undefined;
  /** Whether messages may be published; absent if that is not known. */
  readonly mayPublish?: boolean | undefined;
  /** The number of users in each shard of the index, or why it is not known. */
  readonly shards?: readonly number[] | Error | undefined;
}

export interface AskedServer {
  readonly adapter: RedisAdapter;
  readonly keys: AppKeys;
  readonly index: Pick<LoginIndex, "sizes">;
}

/** Asks the server that holds the first shard, over a connection of its own. Rejects if there is none in time. */
export async function readFacts({ adapter, keys, index }: AskedServer, timeoutMs: number): Promise<Facts> {
  const deadline = new Deadline(timeoutMs);
  const sizes = deadline.run(() => index.sizes()).catch((error: unknown) => error as Error);
  const connection = adapter.ownConnection();
  try {
    const [info, policy, save, client, published] = await deadline.run(() =>
      connection.sequence(keys.active, [
        ["INFO"],
        ["CONFIG", "GET", "maxmemory-policy"],
        ["CONFIG", "GET", "save"],
        ["CLIENT", "INFO"],
        // As the pings of subscriptions are: not on the channel itself, whose subscribers would look up their logins.
        ["PUBLISH", `${keys.notifications}:check`, ""],
      ]),
    );
    return {
      info: readInfo(info),
      config: readConfig([policy, save]),
      resp: isNativeError(client) ? undefined : /\bresp=(\d)/.exec(String(client))?.[1],
      mayPublish: isNativeError(published) ? (isRefusal(published) ? false : undefined) : true,
      shards: await sizes,
    };
  } finally {
    await connection.close().catch(ignored("the connection of a check was not closed"));
  }
}

/** Reads the reply to `INFO`. `undefined` for an error. */
export function readInfo(reply: unknown): Fields | undefined {
  if (isNativeError(reply)) return undefined;
  const lines = String(reply).matchAll(/^([^#:\r\n]+):(.*?)\r?$/gm);
  return new Map(Array.from(lines, ([, name = "", value = ""]) => [name, value]));
}

/** Reads replies to `CONFIG GET`: a list of names and values in RESP 2, a map in RESP 3. */
function readConfig(replies: readonly unknown[]): Fields | undefined {
  const known = replies.filter((reply) => typeof reply === "object" && reply !== null && !isNativeError(reply));
  if (known.length === 0) return undefined;
  return new Map(known.flatMap(entriesOf));
}

function entriesOf(reply: unknown): [string, string][] {
  if (reply instanceof Map) return Array.from(reply as ReadonlyMap<string, string>);
  if (!Array.isArray(reply)) return Object.entries(reply as Readonly<Record<string, string>>);
  const [name, value] = reply as readonly string[];
  return name === undefined ? [] : [[name, String(value)]];
}

function isRefusal(error: Error): boolean {
  return error.message.startsWith("NOPERM");
}
