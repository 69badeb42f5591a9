import { ServerResponse, STATUS_CODES, type IncomingMessage } from "node:http";
import { errorReply } from "./reply.js";
import { sendJson } from "./send.js";

/** Returns whether Express has not seen this response: it is of `node:http`, or what engine.io has in its place. */
export function isBare(res: ServerResponse): boolean {
  return typeof (res as { json?: unknown }).json !== "function";
}

/** Sends an error as JSON. A request to upgrade is refused on its socket, which is closed. */
export function sendBareError(req: IncomingMessage, res: ServerResponse, status: number, message: string): void {
  const isUpgrade = req.headers.upgrade !== undefined;
  if (isUpgrade && !(res instanceof ServerResponse)) {
    // What engine.io has in place of a response sends nothing.
    req.socket.end(`HTTP/1.1 ${String(status)} ${STATUS_CODES[status] ?? ""}\r\nConnection: close\r\n\r\n`);
    return;
  }
  // In a handler of `upgrade`, the response that the app has made has no socket yet.
  if (isUpgrade && (res.socket as unknown) === null && !req.socket.destroyed) {
    res.assignSocket(req.socket);
    res.setHeader("Connection", "close");
    res.once("finish", () => req.socket.end());
  }
  sendJson(res, errorReply(req.headers.accept, { status, message }));
}
