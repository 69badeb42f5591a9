import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Over } from "./live-logins.js";

/** Whatever emits `close` once when it is over: a response, a socket, a WebSocket, an engine.io connection. */
export interface Closing {
  once(event: "close", listener: () => void): unknown;
}

/**
 * When what a request has opened is over: when its answer is, or, after an upgrade, its socket. Of some requests it cannot be
 * told: the one that begins a connection of socket.io by polling is long over itself while the connection lives on.
 */
export function overOf(req: IncomingMessage, until: Closing | undefined): Over | undefined {
  const closing = until ?? openAnswer(req) ?? openUpgrade(req);
  return closing && ((callback) => closing.once("close", callback));
}

/** Express and engine.io keep a request's answer in `req.res`. */
function openAnswer(req: IncomingMessage): Closing | undefined {
  const { res } = req as { res?: Partial<ServerResponse> | null };
  return res?.writableEnded === false && res.closed === false ? (res as ServerResponse) : undefined;
}

function openUpgrade({ headers, socket }: IncomingMessage): Socket | undefined {
  return headers.upgrade !== undefined && !socket.destroyed ? socket : undefined;
}
