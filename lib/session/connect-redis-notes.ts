import type { Store } from "express-session";
import { LogoutError } from "../errors.js";
import { inTurn } from "../in-turn.js";
import { TimeLimit } from "../time-limit.js";
import { Together } from "../together.js";
import type { KickedSession } from "./kick-notes.js";
import { isAsPublished, isConnectRedis, type ConnectRedis } from "../known-stores.js";
import { LEAVE_NOTES } from "./leave-notes.js";
import { textWithNote } from "./stamp.js";

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
export class ConnectRedisNotes {
  readonly #store: ScriptedStore;
  readonly #limit: TimeLimit;
  readonly #together = new Together((asked: readonly Sessions[]) => this.#leaveAll(asked));

  private constructor(store: ScriptedStore, timeoutMs: number) {
    this.#store = store;
    this.#limit = new TimeLimit(timeoutMs);
  }

  /** `undefined` where it is not known how the store keeps sessions, and in a Cluster, where a script would reach but one. */
  static of(store: Store, timeoutMs: number): ConnectRedisNotes | undefined {
    if (!isConnectRedis(store) || !isAsPublished(store, ["get", "set", "destroy"])) return undefined;
    const { serializer, ttl, disableTTL } = store;
    const isAsAlways = serializer === JSON && typeof ttl === "number" && !disableTTL;
    return isAsAlways && hasScripts(store) ? new ConnectRedisNotes(store, timeoutMs) : undefined;
  }

  /**
   * @returns those that have not got their notes: it may be right so, but that is for the store to say, which may know better where
   * its sessions are.
   * @throws LogoutError `ERR_STORE_UNAVAILABLE`: no answer in time.
   */
  leave(sessions: Sessions): Promise<Sessions> {
    return this.#together.ask(sessions);
  }

  async #leaveAll(asked: readonly Sessions[]): Promise<Sessions[]> {
    // A user id that UTF-8 cannot carry would arrive as another one.
    const sessions = asked.flat().filter(({ userId }) => userId.isWellFormed());
    const parts: Sessions[] = [];
    for (let start = 0; start < sessions.length; start += AT_ONCE) parts.push(sessions.slice(start, start + AT_ONCE));
    const done = new Set((await inTurn(SCRIPTS_AT_ONCE, parts, (part) => this.#run(part))).flat());
    return asked.map((each) => each.filter((session) => !done.has(session)));
  }

  /** @returns those that have got theirs. */
  async #run(sessions: Sessions): Promise<Sessions> {
    const { prefix } = this.#store;
    const options = { keys: sessions.map(({ sid }) => prefix + sid), arguments: sessions.flatMap(argumentsOf) };
    const replies = await this.#limit
      .within(() => this.#eval(options))
      .catch(() => {
        throw late(this.#limit.limitMs);
      });
    return sessions.filter((_session, position) => Number(replies[position]) === 1);
  }

  /** An ACL without scripts, a cluster behind one address: the store does it in its own way, or says what is wrong. */
  async #eval(options: { keys: string[]; arguments: string[] }): Promise<readonly unknown[]> {
    try {
      const replies = await this.#store.client.eval(LEAVE_NOTES, options);
      return Array.isArray(replies) ? (replies as unknown[]) : [];
    } catch {
      return [];
    }
  }
}

function argumentsOf({ userId, expires, note }: KickedSession): string[] {
  const ttl = Math.ceil((+expires - Date.now()) / 1_000);
  return [note.loginId, userId, String(ttl), textWithNote(note, expires)];
}

function hasScripts(store: ConnectRedis): store is ScriptedStore {
  const isCluster = "masters" in store.client;
  return !isCluster && typeof (store.client as Partial<ScriptedStore["client"]>).eval === "function";
}

function late(limitMs: number): LogoutError {
  return new LogoutError("ERR_STORE_UNAVAILABLE", `The session store did not answer within ${String(limitMs)} ms.`);
}
