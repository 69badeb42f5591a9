import { ServerResponse, type IncomingMessage } from "node:http";
import type { EndedLogin } from "../login.js";

/**
 * Whether a request has not been through Express: `io.engine.use(auth)` hands over those of Node, with responses that lack most
 * methods.
 */
export function isBare(req: IncomingMessage): boolean {
  return (req as { app?: unknown }).app === undefined;
}

/** Refuses a request of a kicked login without Express: 401 with the reason, as JSON; an upgrade on its socket. */
export function refuseBare(req: IncomingMessage, res: ServerResponse, { reason }: EndedLogin): void {
  const isOpen = res instanceof ServerResponse && res.socket !== null;
  if (req.headers.upgrade !== undefined && !isOpen) {
    req.socket.end("HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n");
    return;
  }
  const title = "You have been logged out";
  const message = reason === undefined ? title : `${title}: ${reason}`;
  res.statusCode = 401;
  res.setHeader("Cache-Control", "no-store");
  res.setHeader("Content-Type", "application/json; charset=utf-8");
  res.end(JSON.stringify({ code: 401, message }));
}
