import {
  LONGEST_WAIT_MS,
  type ChannelListener,
  type ChannelSubscription,
  type OwnConnection,
  type RedisAdapter,
} from "./adapter.js";
import type { NodeRedisCommandOptions } from "./client.js";
import { keepSubscribed } from "./keep-subscribed.js";

/** A client of node-redis for one server, as far as it is used here. */
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
  // Sentinel clients of node-redis 5 have no duplicate(). This hands out the client of the master, in 5 and in 6.
  _execute<Result>(isReadonly: boolean, act: (master: ServerClient) => Promise<Result>): Promise<Result>;
}

/** An empty mapping brings strings, whatever the app has set for itself. */
const PLAIN: NodeRedisCommandOptions = { typeMapping: {} };
/** Without the client's own time limit, which costs more than the whole look-up: there is one already. */
const IN_TIME: NodeRedisCommandOptions = { ...PLAIN, timeout: 0 };
const IN_OUTAGE: NodeRedisCommandOptions = { ...PLAIN, timeout: LONGEST_WAIT_MS };

/**
 * The signal takes a command out of the queue when it is given up. What comes without one is written at once, by a client
 * that is ready; in an outage the client's own limit takes it out, which node-redis 5 does not have by default.
 */
export function commandOptions(abortSignal?: AbortSignal, isReady = false): NodeRedisCommandOptions {
  if (abortSignal !== undefined) return { ...IN_TIME, abortSignal };
  return isReady ? IN_TIME : IN_OUTAGE;
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
      // Sent as any command, it ends the connection and not the client.
      client.sendCommand(["QUIT"], PLAIN).catch(() => undefined);
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

/** For all that is behind one master: `duplicate` gives another client to it, not yet connected. */
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

/** One right behind the other; a command that is refused has its error in the place of its reply. */
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

/** A client that belongs to the registry: connected when it is first needed, closed for good. */
export function ownClient<Client extends Connectable>(
  make: () => Promise<Client>,
): { connected(): Promise<Client>; close(): Promise<void> } {
  let client: Client | undefined;
  let connecting: Promise<Client> | undefined;
  let isClosed = false;
  const connect = async (): Promise<Client> => {
    const made = await make();
    if (isClosed) throw new Error("closed while connecting");
    client = made;
    // Whoever uses it meets the failure; an event that nobody listens for would end the process.
    client.on("error", () => undefined);
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
  return keepSubscribed((lost) => {
    const own = ownClient(async () => {
      const client = await duplicate();
      client.on("error", lost);
      client.on("end", lost);
      client.unref();
      return client;
    });
    const listen = async (): Promise<void> => {
      const client = await own.connected();
      await client.subscribe([...channels], (text, channel) => {
        listener.message(channel, text);
      });
    };
    return { ready: listen(), end: () => void own.close().catch(() => undefined) };
  }, listener);
}
