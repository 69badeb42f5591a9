import {
  MAX_WAIT_MS,
  type ChannelListener,
  type ChannelSubscription,
  type OwnConnection,
  type RedisAdapter,
} from "./adapter.js";
import type { NodeRedisCommandOptions } from "./client.js";
import { keepSubscribed } from "./keep-subscribed.js";
import { ignored } from "../../../util/debug.js";

/** The members of a node-redis client for one server that are used here. */
export interface ServerClient {
  readonly isOpen: boolean;
  readonly isReady?: boolean;
  sendCommand(args: string[], options?: NodeRedisCommandOptions): Promise<unknown>;
  subscribe(channels: string[], listener: (text: string, channel: string) => void): Promise<unknown>;
  duplicate(): ServerClient;
  connect(): Promise<unknown>;
  on(event: "error" | "end", listener: () => void): unknown;
  once(event: "ready", listener: () => void): unknown;
  unref(): void;
  destroy(): void;
}

interface Pool {
  sendCommand(args: string[], options?: NodeRedisCommandOptions): Promise<unknown>;
  execute<Result>(act: (client: ServerClient) => Result | Promise<Result>): Promise<Result>;
}

interface Sentinel {
  sendCommand(isReadonly: boolean, args: string[], options?: NodeRedisCommandOptions): Promise<unknown>;
  // Sentinel clients of node-redis 5 have no duplicate(). `_execute` passes the client of the master, in 5 and in 6.
  _execute<Result>(isReadonly: boolean, act: (master: ServerClient) => Promise<Result>): Promise<Result>;
}

/** An empty type mapping returns strings, regardless of the app's own mapping. */
const PLAIN: NodeRedisCommandOptions = { typeMapping: {} };
/** Without the client's own timeout, which costs more than the lookup itself: the registry has one already. */
const WITHOUT_TIMEOUT: NodeRedisCommandOptions = { ...PLAIN, timeout: 0 };
const WITH_TIMEOUT: NodeRedisCommandOptions = { ...PLAIN, timeout: MAX_WAIT_MS };

/**
 * Returns options that remove a command from the client's queue in an outage: by the signal, or by the client's own timeout, which
 * node-redis 5 does not set by default. A client that is ready writes a command at once, so it needs neither.
 */
export function commandOptions(abortSignal?: AbortSignal, isReady = false): NodeRedisCommandOptions {
  if (abortSignal !== undefined) return { ...WITHOUT_TIMEOUT, abortSignal };
  return isReady ? WITHOUT_TIMEOUT : WITH_TIMEOUT;
}

export function clientAdapter(client: ServerClient): RedisAdapter {
  const adapter = serverAdapter(
    (args, options) => client.sendCommand(args, options),
    () => Promise.resolve(client.duplicate()),
    () => client.isReady === true,
  );
  let isDropped = false;
  return {
    ...adapter,
    isInOrder: true,
    reconnect: () => {
      if (isDropped || client.isReady !== true) return;
      isDropped = true;
      client.once("ready", () => {
        isDropped = false;
      });
      // As a plain command, QUIT ends the connection but not the client.
      client.sendCommand(["QUIT"], PLAIN).catch(ignored("QUIT failed"));
    },
  };
}

export function poolAdapter(pool: Pool): RedisAdapter {
  return serverAdapter(
    (args, options) => pool.sendCommand(args, options),
    () => pool.execute((client) => client.duplicate()),
  );
}

export function sentinelAdapter(sentinel: Sentinel): RedisAdapter {
  return serverAdapter(
    (args, options) => sentinel.sendCommand(false, args, options),
    () => sentinel._execute(false, (master) => Promise.resolve(master.duplicate())),
  );
}

/** Returns the adapter for clients with one master. @param duplicate - Returns another client of it, not connected. */
function serverAdapter(
  send: (args: string[], options: NodeRedisCommandOptions) => Promise<unknown>,
  duplicate: () => Promise<ServerClient>,
  isReady: () => boolean = () => false,
): RedisAdapter {
  return {
    isCluster: false,
    isInOrder: false,
    reconnect: () => undefined,
    send: (_key, args, signal) => send([...args], commandOptions(signal, isReady())),
    ownConnection: () => ownConnection(duplicate),
    subscribe: (channels, listener) => subscribe(duplicate, channels, listener),
  };
}

function ownConnection(duplicate: () => Promise<ServerClient>): OwnConnection {
  const own = ownClient(duplicate);
  return {
    sequence: async (_key, commands) => inSequence(await own.connected(), commands),
    close: () => own.close(),
  };
}

/** Sends commands in sequence. The error of a command is in the place of its reply. */
export function inSequence(
  client: ServerClient,
  commands: readonly (readonly string[])[],
): Promise<readonly unknown[]> {
  return Promise.all(commands.map((args) => client.sendCommand([...args], PLAIN).catch((error: unknown) => error)));
}

interface Connectable {
  readonly isOpen: boolean;
  connect(): Promise<unknown>;
  on(event: "error" | "end", listener: () => void): unknown;
  destroy(): unknown;
}

/** Manages a client of the registry: connects it on first use, and closes it permanently. */
export function ownClient<Client extends Connectable>(
  create: () => Promise<Client>,
): { connected(): Promise<Client>; close(): Promise<void> } {
  let client: Client | undefined;
  let connecting: Promise<Client> | undefined;
  let isClosed = false;
  const connect = async (): Promise<Client> => {
    const created = await create();
    if (isClosed) throw new Error("closed while connecting");
    client = created;
    // The commands report the error. Without a listener, the event would end the process.
    client.on("error", ignored("a connection of the registry failed"));
    await client.connect();
    return client;
  };
  return {
    connected: () => (connecting ??= connect()),
    close: async () => {
      isClosed = true;
      if (client?.isOpen === true) await client.destroy();
    },
  };
}

export function subscribe(
  duplicate: () => Promise<ServerClient>,
  channels: readonly string[],
  listener: ChannelListener,
): ChannelSubscription {
  return keepSubscribed((onLost) => {
    const own = ownClient(async () => {
      const client = await duplicate();
      client.on("error", onLost);
      client.on("end", onLost);
      client.unref();
      return client;
    });
    const listen = async (): Promise<void> => {
      const client = await own.connected();
      await client.subscribe([...channels], (text, channel) => {
        listener.message(channel, text);
      });
    };
    return { ready: listen(), end: () => void own.close().catch(ignored("a subscription was not closed")) };
  }, listener);
}
