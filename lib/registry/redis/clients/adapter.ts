/** For how long a command that comes without a signal waits to be sent, in milliseconds: an outage may take longer. */
export const LONGEST_WAIT_MS = 5_000;

/** What the registry needs of a client, whichever client it is. */
export interface RedisAdapter {
  /**
   * Whether keys are on several masters. A message may be lost there, unnoticed, on its way from one node to another.
   */
  readonly isCluster: boolean;

  /** Whether it has one connection, over which what is asked first is executed first. */
  readonly isInOrder: boolean;

  /** Sends a command to the master that holds `key`; if it still waits to be sent when `signal` aborts, it never is. */
  send(key: string, args: readonly string[], signal?: AbortSignal): Promise<unknown>;

  /** Has the client drop its connection and make it anew, where it has one alone; once for each connection. */
  reconnect(): void;

  /** A connection of the registry's own to the same place. It connects when it is first used. */
  ownConnection(): OwnConnection;

  /**
   * Listens, over a connection of its own. A connection that is lost is made anew, until this is closed; nothing is ever
   * thrown.
   */
  subscribe(channels: readonly string[], listener: ChannelListener): ChannelSubscription;
}

/** Not meant to outlive a failure: whoever meets one closes it and takes another. */
export interface OwnConnection {
  /**
   * Sends these one right behind the other to the master that holds `key`. @returns the reply to each; what a command was
   * answered with as an error may stand there as an `Error`.
   */
  sequence(key: string, commands: readonly (readonly string[])[]): Promise<readonly unknown[]>;
  /** Drops the connection; what was not sent never will be. */
  close(): Promise<void>;
}

/** A subscription to channels. */
export interface ChannelSubscription {
  /** Takes another connection: this one does not seem to carry anything, though it has not ended. */
  renew(): void;
  close(): Promise<void>;
}

export interface ChannelListener {
  message(channel: string, text: string): void;
  /** The connection was lost, or was made (also for the first time): messages may have been missed. */
  interrupted(): void;
}
