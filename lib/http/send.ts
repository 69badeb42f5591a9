import type { ServerResponse } from "node:http";
import type { Response } from "express";
import { headersOf } from "../errors.js";
import type { HttpContext } from "./context.js";
import type { JsonReply, PageReply, Reply } from "./reply.js";

/** Turns the reply of a handler into the response of Express. */
export async function send(context: Pick<HttpContext, "options">, res: Response, reply: Reply): Promise<void> {
  if (reply.vary !== undefined) res.vary(reply.vary);
  if (reply.cookies !== undefined && reply.cookies.length > 0) res.append("Set-Cookie", [...reply.cookies]);
  if ("json" in reply) {
    sendJson(res, reply);
    return;
  }
  res.set({ ...reply.headers });
  if ("page" in reply) sendPage(context, res, reply);
  else if ("redirect" in reply) res.set("Cache-Control", "no-store").redirect(reply.status, reply.redirect);
  else if ("empty" in reply) res.status(reply.status).set("Cache-Control", "no-store").end();
  else {
    res.status(reply.status);
    res.set({
      "Content-Type": "application/x-ndjson; charset=utf-8",
      "Cache-Control": "no-store",
      "X-Content-Type-Options": "nosniff",
    });
    const reader = new AbortController();
    res.once("close", () => {
      reader.abort();
    });
    await reply.lines((data) => void res.write(`${JSON.stringify(data)}\n`), reader.signal);
    res.end();
  }
}

/** Sends JSON. The response may be one of a bare Node server, and settings of the app (`json replacer`) change nothing in it. */
export function sendJson(res: ServerResponse, { status, headers = {}, json }: JsonReply): void {
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  setHeadersOf(res, status);
  res.statusCode = status;
  res.setHeader("Cache-Control", "no-store");
  res.setHeader("X-Content-Type-Options", "nosniff");
  if (headers["Content-Type"] === undefined) res.setHeader("Content-Type", "application/json; charset=utf-8");
  res.end(JSON.stringify(json));
}

/** Those that every response with this status has, and this one not yet. */
function setHeadersOf(res: ServerResponse, status: number): void {
  for (const [name, value] of Object.entries(headersOf(status))) {
    if (!res.hasHeader(name)) res.setHeader(name, value);
  }
}

/** Sends a page with the headers that keep it to itself: nothing inline, in no cache, and in no frame by default. */
function sendPage(
  { options }: Pick<HttpContext, "options">,
  res: Response,
  { status, page, policy = {} }: PageReply,
): void {
  const { hasPictures = true, frameAncestors = "'none'" } = policy;
  // Browsers hold a form's redirects to form-action as well, and a logout may lead to another site.
  const { default: afterLogoutUrl = "/" } = options.redirects;
  setHeadersOf(res, status);
  const afterLogout = [afterLogoutUrl, ...options.providers.map(({ endSessionUrl = "" }) => endSessionUrl)]
    .map((url) => (URL.canParse(url) ? ` ${new URL(url).origin}` : ""))
    .join("");
  res
    .status(status)
    .set({
      "Cache-Control": "no-store",
      "Content-Security-Policy": [
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "connect-src 'self'",
        // The app's users have their pictures wherever they have them.
        hasPictures ? "img-src 'self' https: http: data:" : "img-src 'self'",
        `form-action 'self'${afterLogout}`,
        "base-uri 'none'",
        `frame-ancestors ${frameAncestors}`,
      ].join("; "),
      "X-Content-Type-Options": "nosniff",
      "Referrer-Policy": "same-origin",
    })
    .type("html")
    .send(page);
}
