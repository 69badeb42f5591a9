import type { LoginRegistry } from "../../lib/index.js";
import type { NodeRedisClient } from "../../lib/registry/redis/clients/client.js";
import * as scripts from "../../lib/registry/redis/scripts.js";
import { currentActor, type Actor, type Schedule } from "./schedule.js";

type Methods = Record<string | symbol, unknown>;
type Method = (...args: unknown[]) => unknown;

/** What runs at once, on behalf of nobody. */
const AT_ONCE = ["bind", "subscribe", "close"];

/**
 * A registry that tells who asks it. With `schedule`, each of its methods is one step; without, it takes steps of its own.
 */
export function watched(
  registry: LoginRegistry,
  asked: (method: string, args: readonly unknown[], actor: Actor | undefined) => void,
  schedule?: Schedule,
): LoginRegistry {
  const methods = registry as unknown as Methods;
  const run = (name: string, args: unknown[]): unknown => {
    asked(name, args, currentActor());
    const call = (): unknown => (methods[name] as Method).apply(registry, args);
    return schedule === undefined ? call() : schedule.step(`${name} ${JSON.stringify(args)}`, call);
  };
  async function* users(): AsyncIterable<readonly string[]> {
    for await (const userIds of registry.users()) {
      await schedule?.step("users", () => undefined);
      yield userIds;
    }
  }
  return new Proxy(registry, {
    get(_target, name) {
      // A registry that all nodes share knows nothing without being asked.
      const method = name === "known" ? undefined : methods[name];
      if (name === "users") return users;
      // As if it were somewhere else: every question takes its time.
      if (name === "known" && schedule !== undefined) return undefined;
      if (typeof method !== "function" || typeof name !== "string") return method;
      return AT_ONCE.includes(name) ? (method as Method).bind(registry) : (...args: unknown[]) => run(name, args);
    },
  });
}

/** Where Redis finds the time: its own clock cannot be set. */
const CLOCK = "clock";
const TIME = "redis.call('TIME')";
const TIME_OF_HISTORY = `(function()
  local ms = tonumber(redis.call('GET', '${CLOCK}'))
  return { math.floor(ms / 1000), ms % 1000 * 1000 }
end)()`;

/** A real Redis for one history after another, each with a clock of its own. */
export class HistoryRedis {
  readonly #client: NodeRedisClient;
  /** A script's digest, and that of the same script with the other clock. */
  readonly #digests = new Map<string, string>();

  constructor(client: NodeRedisClient) {
    this.#client = client;
  }

  /** Redis knows every script before the first history, so that each goes the same way whenever it is lived through. */
  async start(): Promise<void> {
    for (const { sha, source } of Object.values(scripts)) {
      const digest = await this.#client.sendCommand(["SCRIPT", "LOAD", source.replaceAll(TIME, TIME_OF_HISTORY)]);
      this.#digests.set(sha, String(digest));
    }
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
  client(schedule?: Schedule): NodeRedisClient {
    return {
      sendCommand: (args) =>
        schedule === undefined ? this.#send(args) : schedule.step(label(args), () => this.#send(args)),
    };
  }

  #send(args: string[]): Promise<unknown> {
    const [command, sha = ""] = args;
    if (command !== "EVALSHA") return this.#client.sendCommand(args);
    return this.#client.sendCommand([command, this.#digests.get(sha) ?? sha, ...args.slice(2)]);
  }
}

function label([command = "", ...rest]: string[]): string {
  const isScript = command.startsWith("EVAL");
  const [script = "", , ...args] = rest;
  return `${command} ${(isScript ? [script.slice(0, 8), ...args] : rest).join(" ")}`.slice(0, 100);
}
