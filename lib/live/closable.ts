import type { IncomingMessage, ServerResponse } from "node:http";

/** Anything that emits `close` once when it is over: a response, a socket, a WebSocket, an engine.io connection. */
export interface Closable {
  once(event: "close", listener: () => void): unknown;
  /** Removes the listener once the logins have ended. Without this method, the listener stays until `close`. */
  off?(event: "close", listener: () => void): unknown;
}

/** The properties by which common connections show that they are closed. */
interface Closed {
  /** Responses and sockets. */
  readonly closed?: boolean;
  readonly destroyed?: boolean;
  /** WebSockets, and connections of engine.io. */
  readonly readyState?: unknown;
}

const WEBSOCKET_CLOSED = 3;

/**
 * Returns the object that closes with the connection of a request: its response or, after an upgrade, its socket. For some requests
 * there is none: the first polling request of socket.io ends long before the connection.
 */
export function closableOf(req: IncomingMessage): Closable | undefined {
  // Express and engine.io keep the response here; express-ws keeps one that is never sent and has no socket.
  const { res } = req as { res?: ServerResponse | null };
  const isUpgrade = req.headers.upgrade !== undefined && (res?.socket ?? undefined) === undefined;
  return isUpgrade ? req.socket : (res ?? undefined);
}

/** Returns whether a connection is closed already, so that `close` is not emitted any more. */
export function isClosed(closing: Closable & Closed): boolean {
  const { closed, destroyed, readyState } = closing;
  return closed === true || destroyed === true || readyState === "closed" || readyState === WEBSOCKET_CLOSED;
}

interface Awaited {
  readonly listener: () => void;
  readonly acts: Set<() => void>;
}

/** Calls functions when a connection closes, with one listener per connection. */
export class CloseListeners {
  readonly #awaited = new WeakMap<Closable, Awaited>();

  /** Adds a function. @returns a function that removes it */
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
