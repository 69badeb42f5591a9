import type { Store } from "express-session";
import { LogoutError } from "../../errors.js";
import { mapLimit } from "../../util/map-limit.js";
import { Deadline } from "../../util/deadline.js";
import { Batcher } from "../../util/batcher.js";
import type { KickedSession } from "./tombstones.js";
import { isAsPublished, isConnectRedis, type ConnectRedis } from "../../util/known-stores.js";
import { WRITE_TOMBSTONES } from "./scripts/bundle.js";
import { tombstoneText } from "../stamp.js";
import { debugError } from "../../util/debug.js";

/** The number of sessions per script: other Redis commands must not wait long. */
const AT_ONCE = 50;
/** The number of scripts in flight. */
const SCRIPTS_AT_ONCE = 8;

/** connect-redis 9 on a client, pool or sentinel of node-redis. */
interface ScriptedStore extends ConnectRedis {
  readonly client: {
    eval(source: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  };
}

type Sessions = readonly KickedSession[];

/**
 * Writes tombstones into sessions of connect-redis by script: many sessions per step, compared and written atomically. Through the
 * store's methods each session takes two commands, most of the cost of a kick of a thousand users.
 */
export class ConnectRedisTombstones {
  readonly #store: ScriptedStore;
  readonly #limit: Deadline;
  readonly #batcher = new Batcher((batches: readonly Sessions[]) => this.#writeAll(batches));

  private constructor(store: ScriptedStore, timeoutMs: number) {
    this.#store = store;
    this.#limit = new Deadline(timeoutMs);
  }

  /** Returns `undefined` for an unknown session format, and for a Cluster, where a script reaches one node only. */
  static of(store: Store, timeoutMs: number): ConnectRedisTombstones | undefined {
    if (!isConnectRedis(store) || !isAsPublished(store, ["get", "set", "destroy"])) return undefined;
    const { serializer, ttl, disableTTL } = store;
    const isDefault = serializer === JSON && typeof ttl === "number" && !disableTTL;
    return isDefault && hasScripts(store) ? new ConnectRedisTombstones(store, timeoutMs) : undefined;
  }

  /**
   * Writes tombstones.
   *
   * @returns the sessions that have none now. The caller goes through the store, which may know better where its sessions are.
   * @throws LogoutError `ERR_STORE_UNAVAILABLE`: no response in time.
   */
  write(sessions: Sessions): Promise<Sessions> {
    return this.#batcher.add(sessions);
  }

  async #writeAll(batches: readonly Sessions[]): Promise<Sessions[]> {
    // UTF-8 cannot carry a lone surrogate: the user id would arrive as another one.
    const sessions = batches.flat().filter(({ userId }) => userId.isWellFormed());
    const parts: Sessions[] = [];
    for (let start = 0; start < sessions.length; start += AT_ONCE) parts.push(sessions.slice(start, start + AT_ONCE));
    const done = new Set((await mapLimit(SCRIPTS_AT_ONCE, parts, (part) => this.#run(part))).flat());
    return batches.map((each) => each.filter((session) => !done.has(session)));
  }

  /** @returns the sessions that have a tombstone now */
  async #run(sessions: Sessions): Promise<Sessions> {
    const { prefix } = this.#store;
    const options = { keys: sessions.map(({ sid }) => prefix + sid), arguments: sessions.flatMap(argumentsOf) };
    const replies = await this.#limit
      .run(() => this.#eval(options))
      .catch(() => {
        // The one error is that of the time limit, and names no store.
        throw late(this.#limit.limitMs);
      });
    return sessions.filter((_session, position) => Number(replies[position]) === 1);
  }

  /** Returns nothing if scripts fail (an ACL, a cluster behind one address): the store's methods then do it, or report the error. */
  async #eval(options: { keys: string[]; arguments: string[] }): Promise<readonly unknown[]> {
    try {
      const replies = await this.#store.client.eval(WRITE_TOMBSTONES.source, options);
      return Array.isArray(replies) ? (replies as unknown[]) : [];
    } catch (error) {
      debugError("scripts refused, so tombstones take the slow path", error, [...options.keys, ...options.arguments]);
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
  return new LogoutError("ERR_STORE_UNAVAILABLE", `The session store did not respond within ${String(limitMs)} ms.`);
}
