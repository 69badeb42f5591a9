import type { ChannelListener, ChannelSubscription } from "./adapter.js";
import { debugError } from "../../../util/debug.js";

const RETRY_MS = 500;

/** One connection of a subscription. */
export interface Attempt {
  /** Resolves when it is subscribed. */
  readonly ready: Promise<void>;
  end(): void;
}

/**
 * Keeps a subscription alive: connects again whenever the connection is lost. The clients also resubscribe by themselves, but each
 * in its own way; some stay with a node that has left the Cluster or become a replica. And none notices a dead connection before
 * the operating system does, after minutes.
 */
export function keepSubscribed(
  connect: (onLost: () => void) => Attempt,
  { interrupted }: Pick<ChannelListener, "interrupted">,
): ChannelSubscription {
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;
  let current: Attempt | undefined;
  let reconnect: () => void;

  const start = (): void => {
    let isLost = false;
    const onLost = (): void => {
      if (isLost) return;
      isLost = true;
      if (isClosed) return;
      current?.end();
      timer = setTimeout(start, RETRY_MS).unref();
      interrupted();
    };
    reconnect = onLost;
    current = connect(onLost);
    current.ready.then(
      () => {
        if (!isLost && !isClosed) interrupted();
      },
      (error: unknown) => {
        debugError("subscription: connecting failed", error);
        onLost();
      },
    );
  };

  start();
  return {
    renew: () => {
      reconnect();
    },
    close: () => {
      isClosed = true;
      clearTimeout(timer);
      current?.end();
      return Promise.resolve();
    },
  };
}
