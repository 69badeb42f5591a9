import type { IncomingMessage, ServerResponse } from "node:http";
import type { RequestHandler } from "express";

/**
 * Passes requests to Next.js with the user id of the session in a header, which server components read by `headers()`.
 *
 * @param handle - `next({ … }).getRequestHandler()`
 */
export function withUser(handle: (req: IncomingMessage, res: ServerResponse) => Promise<void>): RequestHandler {
  return (req, res, next) => {
    delete req.headers["x-user-id"]; // a client may have sent one
    const { userId } = req.session;
    if (userId !== undefined) req.headers["x-user-id"] = encodeURIComponent(userId);
    handle(req, res).catch(next);
  };
}
