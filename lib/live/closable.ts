import type { IncomingMessage, ServerResponse } from "node:http";

/** Whatever emits `close` once when it is over: a response, a socket, a WebSocket, an engine.io connection. */
export interface Closable {
  once(event: "close", listener: () => void): unknown;
  /** Removes the listener once the logins have ended. Without this method, the listener stays until `close`. */
  off?(event: "close", listener: () => void): unknown;
}

/** How those that a signal is most often asked for say that they have been over for a while. */
interface Closed {
  /** Responses and sockets. */
  readonly closed?: boolean;
  readonly destroyed?: boolean;
  /** WebSockets, and connections of engine.io. */
  readonly readyState?: unknown;
}

const WEBSOCKET_CLOSED = 3;

/**
 * What closes when that which a request has opened is over: its answer or, after an upgrade, its socket. Of some requests it
 * cannot be told: the one that begins a connection of socket.io by polling is long over itself while the connection lives on.
 */
export function closableOf(req: IncomingMessage): Closable | undefined {
  // Express and engine.io keep a request's answer here; express-ws one that is never sent, and has no socket.
  const { res } = req as { res?: ServerResponse | null };
  const isUpgrade = req.headers.upgrade !== undefined && (res?.socket ?? undefined) === undefined;
  return isUpgrade ? req.socket : (res ?? undefined);
}

/** Whether it is over already: an event that has been cannot be waited for. */
export function isClosed(closing: Closable & Closed): boolean {
  const { closed, destroyed, readyState } = closing;
  return closed === true || destroyed === true || readyState === "closed" || readyState === WEBSOCKET_CLOSED;
}

interface Awaited {
  readonly listener: () => void;
  readonly acts: Set<() => void>;
}

/** Calls functions when a connection is over: by one listener on each connection, however many functions wait for it. */
export class CloseListeners {
  readonly #awaited = new WeakMap<Closable, Awaited>();

  /** @returns a function that takes it back. */
  add(closing: Closable, act: () => void): () => void {
    const { acts, listener } = this.#awaited.get(closing) ?? this.#listen(closing);
    acts.add(act);
    return () => {
      if (!acts.delete(act) || acts.size > 0 || closing.off === undefined) return;
      this.#awaited.delete(closing);
      closing.off("close", listener);
    };
  }

  #listen(closing: Closable): Awaited {
    const acts = new Set<() => void>();
    const listener = (): void => {
      this.#awaited.delete(closing);
      for (const act of acts) act();
    };
    const awaited = { acts, listener };
    this.#awaited.set(closing, awaited);
    closing.once("close", listener);
    return awaited;
  }
}
