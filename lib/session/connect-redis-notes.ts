import type { Store } from "express-session";
import { LogoutError } from "../errors.js";
import { TimeLimit } from "../time-limit.js";
import { Together } from "../together.js";
import type { KickedSession } from "./kick-notes.js";
import { isAsPublished, isConnectRedis } from "./known-stores.js";
import { textWithNote } from "./stamp.js";

/** How many sessions one script looks at. */
const AT_ONCE = 100;
/** In bytes. To read a longer session Redis would take too long, while everybody else waits. */
const MAX_SESSION = 8_192;

/** What connect-redis 9 has of node-redis: of a single client, a pool, a sentinel or a Cluster. */
interface ScriptClient {
  eval(source: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
}

/**
 * KEYS sessions; ARGV for each: login user ttl note. Puts the note in the place of a session that is stamped with this login
 * (see stamp.ts: the length of the era counts in UTF-16). → for each 1, or 0 where the store itself has to look.
 */
const LEAVE = String.raw`
local function units(text)
  if not string.find(text, '[\128-\255]') then return #text end
  local _, characters = string.gsub(text, '[^\128-\191]', '')
  local _, pairs = string.gsub(text, '[\240-\247]', '')
  return characters + pairs
end

local function isOf(stamp, login, user)
  local id, length, rest = string.match(stamp, '^([^ ]+) (%d+) (.*)$')
  if id ~= login or string.sub(rest, -#user) ~= user then return false end
  return units(string.sub(rest, 1, -#user - 1)) == tonumber(length)
end

local function leave(key, login, user, ttl, note)
  local value = redis.call('GET', key)
  if not value then return 1 end
  if #value > ${String(MAX_SESSION)} then return 0 end
  local isRead, session = pcall(cjson.decode, value)
  if not isRead or type(session) ~= 'table' then return 0 end
  local stamp = session.expressLogout
  if type(stamp) ~= 'string' or not isOf(stamp, login, user) then return 1 end
  if tonumber(ttl) > 0 then redis.call('SET', key, note, 'EX', ttl) else redis.call('DEL', key) end
  return 1
end

local done = {}
for i, key in ipairs(KEYS) do done[i] = leave(key, unpack(ARGV, 4 * i - 3, 4 * i)) end
return done
`;

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
    const [sessions, others] = partition(asked.flat(), ({ userId }) => userId.isWellFormed());
    const parts = [Promise.resolve(others)];
    for (let start = 0; start < sessions.length; start += this.#atOnce) {
      parts.push(this.#run(sessions.slice(start, start + this.#atOnce)));
    }
    const left = new Set((await Promise.all(parts)).flat());
    return asked.map((each) => each.filter((session) => left.has(session)));
  }

  /** @returns those that are left to the store. */
  async #run(sessions: readonly KickedSession[]): Promise<KickedSession[]> {
    const options = { keys: sessions.map(({ sid }) => this.#prefix + sid), arguments: sessions.flatMap(argumentsOf) };
    const done = await this.#limit
      .within(() => this.#eval(options))
      .catch(() => {
        throw late(this.#limit.limitMs);
      });
    return sessions.filter((_session, position) => Number(done[position]) !== 1);
  }

  /** An ACL without scripts, a proxy in front of several nodes: the store does it in its own way, or says what is wrong. */
  async #eval(options: Parameters<ScriptClient["eval"]>[1]): Promise<unknown[]> {
    try {
      return (await this.#client.eval(LEAVE, options)) as unknown[];
    } catch {
      return [];
    }
  }
}

function partition<Item>(items: readonly Item[], isFirst: (item: Item) => boolean): [Item[], Item[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
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
