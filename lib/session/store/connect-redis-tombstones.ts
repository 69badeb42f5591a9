import type { Store } from "express-session";
import { LogoutError } from "../../errors.js";
import { mapLimit } from "../../util/map-limit.js";
import { Deadline } from "../../util/deadline.js";
import { Batcher } from "../../util/batcher.js";
import type { KickedSession } from "./tombstones.js";
import { isAsPublished, isConnectRedis, type ConnectRedis } from "../../util/known-stores.js";
import { WRITE_TOMBSTONES } from "./tombstone-script.js";
import { tombstoneText } from "../stamp.js";

/** How many sessions one script looks at: what else Redis has to do must not wait for long. */
const AT_ONCE = 50;
/** And how many scripts are under way. */
const SCRIPTS_AT_ONCE = 8;

/** connect-redis 9 on what node-redis has: a single client, a pool, a sentinel. */
interface ScriptedStore extends ConnectRedis {
  readonly client: {
    eval(source: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  };
}

type Sessions = readonly KickedSession[];

/**
 * The quick way to leave notes in sessions that connect-redis keeps: many in one step, which compares and writes at once.
 * Through the store's methods each takes two commands, which are most of what the kick of a thousand users costs.
 */
export class ConnectRedisTombstones {
  readonly #store: ScriptedStore;
  readonly #limit: Deadline;
  readonly #together = new Batcher((asked: readonly Sessions[]) => this.#leaveAll(asked));

  private constructor(store: ScriptedStore, timeoutMs: number) {
    this.#store = store;
    this.#limit = new Deadline(timeoutMs);
  }

  /** `undefined` where it is not known how the store keeps sessions, and in a Cluster, where a script would reach but one. */
  static of(store: Store, timeoutMs: number): ConnectRedisTombstones | undefined {
    if (!isConnectRedis(store) || !isAsPublished(store, ["get", "set", "destroy"])) return undefined;
    const { serializer, ttl, disableTTL } = store;
    const isAsAlways = serializer === JSON && typeof ttl === "number" && !disableTTL;
    return isAsAlways && hasScripts(store) ? new ConnectRedisTombstones(store, timeoutMs) : undefined;
  }

  /**
   * @returns those that have not got their notes: it may be right so, but that is for the store to say, which may know better where
   * its sessions are.
   * @throws LogoutError `ERR_STORE_UNAVAILABLE`: no answer in time.
   */
  write(sessions: Sessions): Promise<Sessions> {
    return this.#together.add(sessions);
  }

  async #leaveAll(asked: readonly Sessions[]): Promise<Sessions[]> {
    // A user id that UTF-8 cannot carry would arrive as another one.
    const sessions = asked.flat().filter(({ userId }) => userId.isWellFormed());
    const parts: Sessions[] = [];
    for (let start = 0; start < sessions.length; start += AT_ONCE) parts.push(sessions.slice(start, start + AT_ONCE));
    const done = new Set((await mapLimit(SCRIPTS_AT_ONCE, parts, (part) => this.#run(part))).flat());
    return asked.map((each) => each.filter((session) => !done.has(session)));
  }

  /** @returns those that have got theirs. */
  async #run(sessions: Sessions): Promise<Sessions> {
    const { prefix } = this.#store;
    const options = { keys: sessions.map(({ sid }) => prefix + sid), arguments: sessions.flatMap(argumentsOf) };
    const replies = await this.#limit
      .run(() => this.#eval(options))
      .catch(() => {
        throw late(this.#limit.limitMs);
      });
    return sessions.filter((_session, position) => Number(replies[position]) === 1);
  }

  /** An ACL without scripts, a cluster behind one address: the store does it in its own way, or says what is wrong. */
  async #eval(options: { keys: string[]; arguments: string[] }): Promise<readonly unknown[]> {
    try {
      const replies = await this.#store.client.eval(WRITE_TOMBSTONES, options);
      return Array.isArray(replies) ? (replies as unknown[]) : [];
    } catch {
      return [];
    }
  }
}

function argumentsOf({ userId, expires, tombstone }: KickedSession): string[] {
  const ttl = Math.ceil((+expires - Date.now()) / 1_000);
  return [tombstone.loginId, userId, String(ttl), tombstoneText(tombstone, expires)];
}

function hasScripts(store: ConnectRedis): store is ScriptedStore {
  const isCluster = "masters" in store.client;
  return !isCluster && typeof (store.client as Partial<ScriptedStore["client"]>).eval === "function";
}

function late(limitMs: number): LogoutError {
  return new LogoutError("ERR_STORE_UNAVAILABLE", `The session store did not answer within ${String(limitMs)} ms.`);
}
