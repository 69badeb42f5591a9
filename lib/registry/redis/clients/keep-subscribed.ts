import type { ChannelListener, ChannelSubscription } from "./adapter.js";

const RETRY_MS = 500;

/** One connection that listens. */
export interface Attempt {
  /** Resolves when it is subscribed. */
  readonly ready: Promise<void>;
  end(): void;
}

/**
 * Keeps one attempt to listen alive, with another as soon as one is lost. Clients subscribe again by themselves too, but
 * each in its own way, and of a node that has left the Cluster or is a replica now some never let go. Nor does any notice a
 * connection that is dead without having ended, before the operating system does, after minutes.
 */
export function keepSubscribed(
  attempt: (lost: () => void) => Attempt,
  { interrupted }: Pick<ChannelListener, "interrupted">,
): ChannelSubscription {
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;
  let current: Attempt | undefined;
  let giveUp: () => void;

  const begin = (): void => {
    let isOver = false;
    const lost = (): void => {
      if (isOver) return;
      isOver = true;
      if (isClosed) return;
      current?.end();
      timer = setTimeout(begin, RETRY_MS).unref();
      interrupted();
    };
    giveUp = lost;
    current = attempt(lost);
    current.ready.then(() => {
      if (!isOver && !isClosed) interrupted();
    }, lost);
  };

  begin();
  return {
    renew: () => {
      giveUp();
    },
    close: () => {
      isClosed = true;
      clearTimeout(timer);
      current?.end();
      return Promise.resolve();
    },
  };
}
