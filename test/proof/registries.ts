import { createClient } from "redis";
import type { LoginRegistry } from "../../lib/index.js";
import type { KeyIndex, KeyRow, ListedLogin } from "../../lib/types/registry.js";
import type { NodeRedisClient } from "../../lib/registry/redis/clients/client.js";
import * as scripts from "../../lib/registry/redis/scripts/bundle.js";
import { startRedis, type RedisServer } from "../support/redis-server.js";
import { LostReplies } from "./lost-replies.js";
import { currentActor, type Actor, type Schedule } from "./schedule.js";

type Methods = Record<string | symbol, unknown>;
type Method = (...args: unknown[]) => unknown;

export interface RegistryWatcher {
  asked(method: string, args: readonly unknown[], actor: Actor | undefined): void;
  answered(method: string, args: readonly unknown[], answer: unknown): void;
}

/** A step that runs at once, for no actor. */
const AT_ONCE = ["init", "subscribe", "close", "peek", "sharesConnection"];

/**
 * A registry that records its callers. With `schedule`, each of its methods is one step, also that which would know without being
 * asked: as if it were somewhere else. Without, it takes steps of its own.
 */
export function watched(registry: LoginRegistry, watcher: RegistryWatcher, schedule?: Schedule): LoginRegistry {
  const methods = registry as unknown as Methods;
  const run = (name: string, args: unknown[]): unknown => {
    watcher.asked(name, args, currentActor());
    const call = (): unknown => (methods[name] as Method).apply(registry, args);
    const done = schedule === undefined ? call() : schedule.step(`${name} ${JSON.stringify(args)}`, call);
    if (!(done instanceof Promise)) return done;
    return done.then((answer: unknown) => {
      watcher.answered(name, args, answer);
      return answer;
    });
  };
  async function* users(): AsyncIterable<readonly string[]> {
    for await (const userIds of registry.scanUsers()) {
      await schedule?.step("scanUsers", () => undefined);
      yield userIds;
    }
  }
  async function* logins(userId: string): AsyncIterable<readonly ListedLogin[]> {
    for await (const found of registry.scanLogins?.(userId) ?? []) {
      await schedule?.step(`scanLogins ${userId}`, () => undefined);
      yield found;
    }
  }
  const keys = registry.keys && watchedKeys(registry.keys, watcher, schedule);
  // Not a proxy of it: the package is to take it for a registry that it does not know.
  return new Proxy({} as LoginRegistry, {
    get(_target, name) {
      const method = methods[name];
      if (name === "scanUsers") return users;
      if (name === "scanLogins") return logins;
      if (name === "keys") return keys;
      if (name === "peek" && schedule !== undefined) return undefined;
      if (typeof method !== "function" || typeof name !== "string") return method;
      return AT_ONCE.includes(name) ? (method as Method).bind(registry) : (...args: unknown[]) => run(name, args);
    },
  });
}

function watchedKeys(given: KeyIndex, watcher: RegistryWatcher, schedule: Schedule | undefined): KeyIndex {
  const keys = schedule === undefined ? given : keysInSteps(given, schedule);
  return {
    bind: async (...args) => {
      const mark = await keys.bind(...args);
      watcher.answered("bind", args, mark);
      return mark;
    },
    mark: (...args) => keys.mark(...args),
    rows: (...args) => keys.rows(...args),
    drop: (...args) => keys.drop(...args),
  };
}

/** An index of keys, each of whose methods is one step, and of its rows each batch. */
function keysInSteps(keys: KeyIndex, schedule: Schedule): KeyIndex {
  return {
    bind: (...args) => schedule.step(`bind ${JSON.stringify(args)}`, () => keys.bind(...args)),
    mark: (...args) => schedule.step(`mark ${JSON.stringify(args)}`, () => keys.mark(...args)),
    drop: (...args) => schedule.step(`drop ${JSON.stringify(args)}`, () => keys.drop(...args)),
    rows: async function* rows(key) {
      const batches = keys.rows(key)[Symbol.asyncIterator]();
      const next = (): Promise<IteratorResult<readonly KeyRow[]>> => schedule.step(`rows ${key}`, () => batches.next());
      for (let read = await next(); read.done !== true; read = await next()) yield read.value;
    },
  };
}

/** Where Redis finds the time: its own clock cannot be set. */
const CLOCK = "clock";
const TIME = "redis.call('TIME')";
const STEPS = "clock-steps";
/** Like Redis's own, it never stands still: no two scripts run in the same microsecond. */
const TIME_OF_HISTORY = `(function()
  local ms = tonumber(redis.call('GET', '${CLOCK}'))
  return { math.floor(ms / 1000), ms % 1000 * 1000 + redis.call('INCR', '${STEPS}') % 1000 }
end)()`;

type Client = ReturnType<typeof trackingClient>;
type PlainClient = ReturnType<typeof plainClient>;

function plainClient(url: string) {
  return createClient({ url });
}

function trackingClient(url: string) {
  return createClient({ url, RESP: 3, emitInvalidate: true, maintNotifications: "disabled" });
}

/**
 * One node's connection, over which Redis notifies of changes. Its notifications arrive as late as possible: with the answer to
 * the node's next command that comes after it.
 */
export class TrackingClient {
  /** For the registry, and for a store that is to be taken for one on the same connection. */
  readonly client: NodeRedisClient;
  readonly #connection: Client;
  readonly #listeners = new Set<(key: unknown) => void>();
  readonly #changedKeys: unknown[] = [];

  constructor(
    connection: Client,
    send: (args: string[], connection: Client) => Promise<unknown>,
    schedule: Schedule,
    lostReplies: LostReplies,
  ) {
    this.#connection = connection;
    connection.on("invalidate", this.#hear);
    const sendCommand = (args: string[]): Promise<unknown> =>
      args[0] === "CLIENT"
        ? connection.sendCommand(args)
        : inSteps(
            schedule,
            lostReplies,
            args,
            async () => {
              await this.arrive();
              return send(args, connection);
            },
            this.client,
          );
    const listen = (does: "on" | "off") => (event: string, listener: (value: unknown) => void) => {
      if (event !== "invalidate") connection[does](event, listener);
      else this.#listeners[does === "on" ? "add" : "delete"](listener);
    };
    const own: Record<string | symbol, unknown> = { sendCommand, on: listen("on"), off: listen("off") };
    this.client = new Proxy<NodeRedisClient>(connection, {
      // What a registry leaves on its client stays with this one: the connection goes to others later.
      defineProperty: (_target, name, descriptor) => {
        own[name] = descriptor.value;
        return true;
      },
      get(target, name): unknown {
        const value: unknown = own[name] ?? Reflect.get(target, name, target);
        return typeof value === "function" && !(name in own) ? (value as Method).bind(target) : value;
      },
    });
  }

  /** Delivers all notifications that Redis has sent so far. */
  readonly arrive = async (): Promise<void> => {
    await this.#connection.ping();
    for (const key of this.#changedKeys.splice(0)) for (const listener of this.#listeners) listener(key);
  };

  /** @returns the connection, for another node. */
  release(): Client {
    this.#connection.off("invalidate", this.#hear);
    return this.#connection;
  }

  readonly #hear = (key: unknown): void => {
    this.#changedKeys.push(key);
  };
}

/** A real Redis for one history after another, each with a clock of its own. */
export class HistoryRedis {
  readonly #server: RedisServer;
  readonly #client: PlainClient;
  /** Connections that no node has. */
  readonly #free: Client[] = [];
  /** A script's digest, and that of the same script with the other clock. */
  readonly #digests = new Map<string, string>();

  private constructor(server: RedisServer, client: PlainClient) {
    this.#server = server;
    this.#client = client;
  }

  /** It knows every script before the first history, so that each goes the same way whenever it is lived through. */
  static async start(): Promise<HistoryRedis> {
    const server = await startRedis();
    const client = plainClient(server.url);
    await client.connect();
    const redis = new HistoryRedis(server, client);
    for (const { sha, source } of Object.values(scripts)) {
      redis.#digests.set(sha, await client.scriptLoad(source.replaceAll(TIME, TIME_OF_HISTORY)));
    }
    return redis;
  }

  async reset(): Promise<void> {
    await this.#client.sendCommand(["FLUSHDB"]);
    await this.tick();
  }

  /** Time has passed. */
  async tick(): Promise<void> {
    await this.#client.sendCommand(["SET", CLOCK, String(Date.now())]);
  }

  /** A client as a registry wants it. With `schedule`, each command is one step. */
  client(schedule?: Schedule, lostReplies = new LostReplies()): NodeRedisClient {
    return {
      sendCommand: (args) =>
        schedule === undefined ? this.#send(args) : inSteps(schedule, lostReplies, args, () => this.#send(args)),
    };
  }

  /** A node's own connection, on which Redis notifies of changes; to be given back by {@link HistoryRedis.release}. */
  async tracking(schedule: Schedule, lostReplies: LostReplies): Promise<TrackingClient> {
    const connection =
      this.#free.pop() ??
      (await trackingClient(this.#server.url)
        .on("error", () => undefined)
        .connect());
    return new TrackingClient(connection, (args, to) => this.#send(args, to), schedule, lostReplies);
  }

  release(client: TrackingClient): void {
    this.#free.push(client.release());
  }

  async stop(): Promise<void> {
    for (const connection of [...this.#free.splice(0), this.#client]) connection.destroy();
    await this.#server.stop();
  }

  #send(args: string[], to: Pick<NodeRedisClient, "sendCommand"> = this.#client): Promise<unknown> {
    const [command, sha = ""] = args;
    if (command !== "EVALSHA") return to.sendCommand(args);
    return to.sendCommand([command, this.#digests.get(sha) ?? sha, ...args.slice(2)]);
  }
}

/** A command is one step; one whose reply is lost is executed in two. */
async function inSteps(
  schedule: Schedule,
  lostReplies: LostReplies,
  args: readonly string[],
  send: () => Promise<unknown>,
  connection?: object,
): Promise<unknown> {
  if (!lostReplies.loses(args)) return schedule.step(label(args), send, connection);
  await schedule.step(`${label(args)}, and the reply is lost`, send, connection);
  return schedule.step(`${label(args)}, sent again`, send, connection);
}

function label([command = "", ...rest]: readonly string[]): string {
  const isScript = command.startsWith("EVAL");
  const [script = "", , ...args] = rest;
  return `${command} ${(isScript ? [script.slice(0, 8), ...args] : rest).join(" ")}`.slice(0, 100);
}
