/** How long a command without a signal waits to be sent, in milliseconds. An outage may last longer. */
export const MAX_WAIT_MS = 5_000;

/** The operations that the registry needs of a client. */
export interface RedisAdapter {
  /** Whether keys are spread over several masters. Messages between the nodes of a Cluster may be lost unnoticed. */
  readonly isCluster: boolean;

  /** Whether the client has one connection that executes commands in the order in which they are sent. */
  readonly isInOrder: boolean;

  /** Sends a command to the master that holds `key`. A command that is still queued when `signal` aborts is never sent. */
  send(key: string, args: readonly string[], signal?: AbortSignal): Promise<unknown>;

  /** Makes the client replace its connection, at most once per connection. Does nothing for several connections. */
  reconnect(): void;

  /** Returns a connection for the registry only, to the same server. It connects on first use. */
  ownConnection(): OwnConnection;

  /** Subscribes over a connection of its own. Replaces a lost connection until it is closed, and never throws. */
  subscribe(channels: readonly string[], listener: ChannelListener): ChannelSubscription;
}

/** A connection for the registry only. After a failure, close it and open another. */
export interface OwnConnection {
  /**
   * Sends commands in one sequence to the master that holds `key`.
   *
   * @returns The reply to each command. An error reply may be an `Error` in its place.
   */
  sequence(key: string, commands: readonly (readonly string[])[]): Promise<readonly unknown[]>;
  /** Closes the connection. Commands that are still queued are never sent. */
  close(): Promise<void>;
}

/** A subscription to channels. */
export interface ChannelSubscription {
  /** Replaces the connection, which seems dead although it has not ended. */
  renew(): void;
  close(): Promise<void>;
}

export interface ChannelListener {
  message(channel: string, text: string): void;
  /** The connection was lost or established (also the first time): messages may have been lost. */
  interrupted(): void;
}
