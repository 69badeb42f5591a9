import { LogoutError } from "../../../errors.js";
import {
  LONGEST_WAIT_MS,
  type ChannelListener,
  type ChannelSubscription,
  type OwnConnection,
  type RedisAdapter,
} from "./adapter.js";
import { keepSubscribed } from "./keep-subscribed.js";

type Events = "ready" | "end" | "close" | "error";

/** What is common to `Redis` and `Cluster` of ioredis, as far as it is used here. */
interface Client {
  readonly status: string;
  call(command: string, ...args: string[]): Promise<unknown>;
  pipeline(commands: string[][]): { exec(): Promise<[error: Error | null, reply: unknown][] | null> };
  connect(): Promise<unknown>;
  disconnect(reconnect?: boolean): void;
  on(event: Events, listener: () => void): this;
  off(event: Events, listener: () => void): this;
}

export interface IoRedis extends Client {
  readonly isCluster?: false;
  readonly options?: { readonly enableAutoPipelining?: boolean };
  readonly stream?: { unref?(): unknown };
  duplicate(options: object): IoRedis;
  subscribe(...channels: string[]): Promise<unknown>;
  on(event: Events, listener: () => void): this;
  on(event: "message", listener: (channel: string, text: string) => void): unknown;
}

export interface IoRedisCluster extends Client {
  readonly isCluster: true;
  readonly options: { readonly scaleReads?: unknown };
  duplicate(startupNodes: never[], options: object): IoRedisCluster;
  nodes(role: "master"): IoRedis[];
}

/** A connection that fails is done with: whoever uses it makes another. Nor does one that is dropped keep a process waiting. */
const ONCE = {
  lazyConnect: true,
  retryStrategy: null,
  clusterRetryStrategy: null,
  autoResendUnfulfilledCommands: false,
  disconnectTimeout: 0,
};

export function ioRedisAdapter(client: IoRedis | IoRedisCluster): RedisAdapter {
  if (client.isCluster === true && client.options.scaleReads !== "master") {
    throw new LogoutError(
      "ERR_OPTION_INVALID",
      'RedisLoginRegistry: this Cluster client reads from replicas, which do not know of a kick at once. Pass { client: cluster.duplicate([], { scaleReads: "master" }) }.',
    );
  }
  const online = onlineOnly(client);
  const dropped = new WeakSet<object>();
  return {
    isCluster: client.isCluster === true,
    // What goes into pipelines of its own does not go in order with what does not.
    isInOrder: client.isCluster !== true && client.options?.enableAutoPipelining !== true,
    send: async (_key, [name = "", ...args], signal) => {
      if (client.status !== "ready") {
        await online(signal);
      }
      // In lower case: early versions find the keys of a command (to route it, to prefix them) under that name alone.
      return client.call(name.toLowerCase(), ...args);
    },
    reconnect: () => {
      // The nodes of a Cluster say who the master is.
      const stream = client.isCluster === true ? undefined : client.stream;
      if (stream === undefined || dropped.has(stream)) return;
      dropped.add(stream);
      client.disconnect(true);
    },
    ownConnection: () => ownConnection(client.isCluster === true ? client.duplicate([], ONCE) : client.duplicate(ONCE)),
    subscribe: (channels, listener) =>
      subscribe(() => (client.isCluster === true ? someNode(client) : client).duplicate(ONCE), channels, listener),
  };
}

/**
 * Waits until the client is ready, or has given up. A command must not be in its off-line queue when it is given up: there is
 * no way to take it out again, and it would be sent later. Nor may what is given up wait on here: an outage may be long.
 */
function onlineOnly(client: Client): (signal?: AbortSignal) => Promise<void> {
  const waiting = new Set<() => void>();
  const goOn = (): void => {
    client.off("ready", goOn);
    client.off("end", goOn);
    for (const each of waiting) each();
    waiting.clear();
  };
  return async (signal = AbortSignal.timeout(LONGEST_WAIT_MS)) => {
    if (client.status === "end") return;
    if (client.status === "wait") client.connect().catch(() => undefined);
    if (waiting.size === 0) {
      client.off("ready", goOn).off("end", goOn);
      client.on("ready", goOn).on("end", goOn);
    }
    await new Promise<void>((resolve) => {
      const done = (): void => {
        waiting.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      waiting.add(done);
      signal.addEventListener("abort", done);
    });
    signal.throwIfAborted();
  };
}

function ownConnection(client: Client): OwnConnection {
  client.on("error", () => undefined);
  let connecting: Promise<unknown> | undefined;
  return {
    sequence: async (key, commands) => {
      await (connecting ??= client.connect());
      // A pipeline with commands that have no key follows no redirection, this does: afterwards the client knows whose the
      // key is.
      await client.call("exists", key);
      const replies = await client
        .pipeline(commands.map(([name = "", ...args]) => [name.toLowerCase(), ...args]))
        .exec();
      return (replies ?? []).map(([error, reply]) => error ?? reply);
    },
    close: () => {
      client.disconnect();
      return Promise.resolve();
    },
  };
}

/** A Cluster carries a message to every node: any one will do. */
function someNode(cluster: IoRedisCluster): IoRedis {
  const nodes = cluster.nodes("master");
  const node = nodes[Math.floor(Math.random() * nodes.length)];
  if (node === undefined) throw new Error("no node of the Cluster is known");
  return node;
}

function subscribe(
  duplicate: () => IoRedis,
  channels: readonly string[],
  listener: ChannelListener,
): ChannelSubscription {
  return keepSubscribed((lost) => {
    let client: IoRedis | undefined;
    const listen = async (): Promise<void> => {
      client = duplicate();
      client.on("error", () => undefined);
      client.on("close", lost);
      client.on("message", (channel, text) => {
        listener.message(channel, text);
      });
      await client.connect();
      client.stream?.unref?.();
      await client.subscribe(...channels);
    };
    return { ready: listen(), end: () => client?.disconnect() };
  }, listener);
}
