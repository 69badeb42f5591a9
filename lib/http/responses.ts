import { STATUS_CODES, type ServerResponse } from "node:http";
import type { Request, Response } from "express";
import { headersOf, type LogoutError } from "../errors.js";
import { noticePage, type Notice } from "../pages/notice.js";
import { formatFor } from "./accept.js";
import type { HttpContext } from "./context.js";
import { pageContext } from "./pages/page-context.js";

/**
 * Sends JSON as every API of this package does: the HTTP status again in `code`. The response may be one of a bare Node server,
 * and settings of the app (`json replacer`) change nothing in it.
 */
export function sendJson(res: ServerResponse, status: number, message: string, more: object = {}): void {
  writeJson(res, status, "application/json", { code: status, message, ...more });
}

/** Sends an error as JSON, and as a problem (RFC 9457) to a client that names its type; `code` and `message` stay. */
export function sendError(
  req: Pick<Request, "headers">,
  res: ServerResponse,
  { status, message, headers = {} }: Pick<LogoutError, "status" | "message"> & Partial<Pick<LogoutError, "headers">>,
): void {
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  if (formatFor(req.headers.accept) !== "problem") {
    sendJson(res, status, message);
    return;
  }
  const problem = { type: "about:blank", title: STATUS_CODES[status], status, detail: message, code: status, message };
  writeJson(res, status, "application/problem+json", problem);
}

function writeJson(res: ServerResponse, status: number, type: string, body: object): void {
  setHeadersOf(res, status);
  res.statusCode = status;
  res.setHeader("Cache-Control", "no-store");
  res.setHeader("Content-Type", `${type}; charset=utf-8`);
  res.end(JSON.stringify(body));
}

/** Those that every response with this status has, and this one not yet. */
function setHeadersOf(res: ServerResponse, status: number): void {
  for (const [name, value] of Object.entries(headersOf(status))) {
    if (!res.hasHeader(name)) res.setHeader(name, value);
  }
}

/** Sends a page to a browser, and JSON to any other client, by `Accept`. */
export function sendNotice(
  context: HttpContext,
  req: Request,
  res: Response,
  status: number,
  notice: Notice,
  policy: Pick<PagePolicy, "frameAncestors"> = {},
): void {
  res.vary("Accept");
  if (status === 401) res.set("WWW-Authenticate", challengeOf(context.options.appId));
  if (acceptsPage(req)) {
    sendPage(context, res, status, noticePage(pageContext(context, req), notice), { ...policy, hasPictures: false });
    return;
  }
  const message = notice.text === undefined ? notice.title : `${notice.title}: ${notice.text}`;
  if (status < 400) sendJson(res, status, message);
  else sendError(req, res, { status, message });
}

/** The `WWW-Authenticate` of a 401 to a browser: no browser knows the scheme, so none asks for a password. */
export function challengeOf(appId: string): string {
  const realm = appId.toWellFormed().replace(/[^\x20-\x7e]/gu, encodeURIComponent);
  return `Cookie realm="${realm.replace(/["\\]/g, "\\$&")}"`;
}

interface PagePolicy {
  /** Whether the page shows pictures of users. Default: `true`. */
  readonly hasPictures?: boolean;
  /** The pages that may show this page in a frame. Default: none. */
  readonly frameAncestors?: "'none'" | "'self'";
}

/** Sends a page with the headers that keep it to itself: nothing inline, in no cache, and in no frame by default. */
export function sendPage(
  { options }: HttpContext,
  res: Response,
  status: number,
  html: string,
  { hasPictures = true, frameAncestors = "'none'" }: PagePolicy = {},
): void {
  // Browsers hold a form's redirects to form-action as well, and a logout may lead to another site.
  const { default: afterLogoutUrl = "/" } = options.redirects;
  setHeadersOf(res, status);
  const afterLogout = URL.canParse(afterLogoutUrl) ? ` ${new URL(afterLogoutUrl).origin}` : "";
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
    .send(html);
}

/** `303 See Other`: after a form, the page that shows what came of it. */
export function redirectTo(res: Response, url: string): void {
  res.set("Cache-Control", "no-store").redirect(303, url);
}

/** Whether a client names HTML in `Accept`, and prefers it. */
export function acceptsPage(req: Pick<Request, "headers">): boolean {
  return formatFor(req.headers.accept) === "html";
}
