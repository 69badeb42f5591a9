import type { Store } from "express-session";
import { LogoutError } from "../errors.js";
import { inTurn } from "../in-turn.js";
import { TimeLimit } from "../time-limit.js";
import { Together } from "../together.js";
import type { KickedSession } from "./kick-notes.js";
import { isAsPublished, isConnectRedis } from "./known-stores.js";
import { LEAVE_NOTES } from "./leave-notes.js";
import { textWithNote } from "./stamp.js";

/** How many sessions one script looks at. */
const AT_ONCE = 100;
/** And how many scripts are under way: those of a user with a great many logins are not to hold up everybody else's commands. */
const SCRIPTS_AT_ONCE = 8;

/** What connect-redis 9 has of node-redis: of a single client, a pool, a sentinel or a Cluster. */
interface ScriptClient {
  eval(source: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
}

/**
 * The quick way to leave notes in sessions that connect-redis keeps: many in one step, which compares and writes at once.
 * Through the store's methods each takes two commands, which are most of what the kick of a thousand users costs.
 */
export class ConnectRedisNotes {
  readonly #client: ScriptClient;
  readonly #prefix: string;
  readonly #limit: TimeLimit;
  readonly #atOnce: number;
  readonly #together = new Together((asked: readonly (readonly KickedSession[])[]) => this.#leaveAll(asked));

  private constructor(client: ScriptClient, prefix: string, timeoutMs: number) {
    this.#client = client;
    this.#prefix = prefix;
    this.#limit = new TimeLimit(timeoutMs);
    // The keys of a script must be in one slot of a Cluster.
    this.#atOnce = "masters" in client ? 1 : AT_ONCE;
  }

  /** `undefined` where it is not known how the store keeps sessions. */
  static of(store: Store, timeoutMs: number): ConnectRedisNotes | undefined {
    if (!isConnectRedis(store) || !isAsPublished(store, ["get", "set", "destroy"])) return undefined;
    const { client, prefix, serializer, ttl, disableTTL } = store;
    const isAsAlways = serializer === JSON && typeof ttl === "number" && !disableTTL;
    return isAsAlways && hasScripts(client) ? new ConnectRedisNotes(client, prefix, timeoutMs) : undefined;
  }

  /**
   * @returns those for which the store has to be asked. Of the others it is done: the note is there, or the session is not of
   * this login.
   * @throws LogoutError `ERR_STORE_UNAVAILABLE`: no answer in time.
   */
  leave(sessions: readonly KickedSession[]): Promise<readonly KickedSession[]> {
    return this.#together.ask(sessions);
  }

  async #leaveAll(asked: readonly (readonly KickedSession[])[]): Promise<KickedSession[][]> {
    // A user id that UTF-8 cannot carry would arrive as another one.
    const sessions = asked.flat().filter(({ userId }) => userId.isWellFormed());
    const parts: KickedSession[][] = [];
    for (let start = 0; start < sessions.length; start += this.#atOnce) {
      parts.push(sessions.slice(start, start + this.#atOnce));
    }
    const done = new Set((await inTurn(SCRIPTS_AT_ONCE, parts, (part) => this.#run(part))).flat());
    return asked.map((each) => each.filter((session) => !done.has(session)));
  }

  /** @returns those that it is done of. */
  async #run(sessions: readonly KickedSession[]): Promise<KickedSession[]> {
    const options = { keys: sessions.map(({ sid }) => this.#prefix + sid), arguments: sessions.flatMap(argumentsOf) };
    const replies = await this.#limit
      .within(() => this.#eval(options))
      .catch(() => {
        throw late(this.#limit.limitMs);
      });
    return sessions.filter((_session, position) => Number(replies[position]) === 1);
  }

  /** An ACL without scripts, a proxy in front of several nodes: the store does it in its own way, or says what is wrong. */
  async #eval(options: Parameters<ScriptClient["eval"]>[1]): Promise<unknown[]> {
    try {
      return (await this.#client.eval(LEAVE_NOTES, options)) as unknown[];
    } catch {
      return [];
    }
  }
}

function argumentsOf({ userId, expires, note }: KickedSession): string[] {
  const ttl = Math.ceil((+expires - Date.now()) / 1_000);
  return [note.loginId, userId, String(ttl), textWithNote(note, expires)];
}

function hasScripts(client: object): client is ScriptClient {
  return typeof (client as Partial<ScriptClient>).eval === "function";
}

function late(limitMs: number): LogoutError {
  return new LogoutError("ERR_STORE_UNAVAILABLE", `The session store did not answer within ${String(limitMs)} ms.`);
}
