import { LogoutError } from "../../../errors.js";
import {
  MAX_WAIT_MS,
  type ChannelListener,
  type ChannelSubscription,
  type OwnConnection,
  type RedisAdapter,
} from "./adapter.js";
import { keepSubscribed } from "./keep-subscribed.js";
import { ignored } from "../../../util/debug.js";

type Events = "ready" | "end" | "close" | "error";

/** The members of both `Redis` and `Cluster` of ioredis that are used here. */
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

/** Options of a connection that never reconnects, because its user opens another, and that does not keep the process alive. */
const NO_RECONNECT = {
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
      'RedisLoginRegistry: this Cluster client reads from replicas, which lag behind kicks. Pass { client: cluster.duplicate([], { scaleReads: "master" }) }.',
    );
  }
  const waitUntilReady = readyWaiter(client);
  const dropped = new WeakSet<object>();
  return {
    isCluster: client.isCluster === true,
    // Automatic pipelining changes the order of commands.
    isInOrder: client.isCluster !== true && client.options?.enableAutoPipelining !== true,
    send: async (_key, [name = "", ...args], signal) => {
      if (client.status !== "ready") {
        await waitUntilReady(signal);
      }
      // In lower case: early versions find the keys of a command (for routing and prefixes) only by its lower-case name.
      return client.call(name.toLowerCase(), ...args);
    },
    reconnect: () => {
      // The nodes of a Cluster redirect to the new master.
      const stream = client.isCluster === true ? undefined : client.stream;
      if (stream === undefined || dropped.has(stream)) return;
      dropped.add(stream);
      client.disconnect(true);
    },
    ownConnection: () =>
      ownConnection(client.isCluster === true ? client.duplicate([], NO_RECONNECT) : client.duplicate(NO_RECONNECT)),
    subscribe: (channels, listener) =>
      subscribe(
        () => (client.isCluster === true ? anyNode(client) : client).duplicate(NO_RECONNECT),
        channels,
        listener,
      ),
  };
}

/**
 * Returns a function that waits until the client is ready or has ended. Commands must not enter the client's offline queue: a
 * command that times out cannot be removed from it, and would be sent later. The wait ends with the signal.
 */
function readyWaiter(client: Client): (signal?: AbortSignal) => Promise<void> {
  const waiting = new Set<() => void>();
  const resume = (): void => {
    client.off("ready", resume);
    client.off("end", resume);
    for (const each of waiting) each();
    waiting.clear();
  };
  return async (signal = AbortSignal.timeout(MAX_WAIT_MS)) => {
    if (client.status === "end") return;
    if (client.status === "wait") client.connect().catch(ignored("connecting failed"));
    if (waiting.size === 0) {
      client.off("ready", resume).off("end", resume);
      client.on("ready", resume).on("end", resume);
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
  client.on("error", ignored("a connection of the registry failed"));
  let connecting: Promise<unknown> | undefined;
  return {
    sequence: async (key, commands) => {
      await (connecting ??= client.connect());
      // A pipeline with commands without a key follows no redirection. EXISTS does, so the client then knows the key's node.
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

/** Returns any node: a Cluster forwards messages to every node. */
function anyNode(cluster: IoRedisCluster): IoRedis {
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
  return keepSubscribed((onLost) => {
    let client: IoRedis | undefined;
    const listen = async (): Promise<void> => {
      client = duplicate();
      client.on("error", ignored("a connection of the registry failed"));
      client.on("close", onLost);
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
