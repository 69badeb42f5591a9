import type { Request } from "express";
import { LogoutError } from "../errors.js";
import type { RouteRequest } from "./route-request.js";

/** Whether a POST with `Origin: null` and without Fetch Metadata is taken. */
type NullOrigin = "null is accepted" | "null is refused";

/**
 * Lets through a POST that comes from a page of this origin, or from no browser: by `Sec-Fetch-Site`, else by `Origin`.
 *
 * On plain HTTP a page under `Referrer-Policy: no-referrer` sends `Origin: null` with its own forms. A logout takes it: a link on
 * any site can bring about the same.
 *
 * Source: OWASP ASVS 5.0 3.5.1 to 3.5.3; OWASP Cross-Site Request Forgery Prevention Cheat Sheet.
 *
 * @throws LogoutError `ERR_REQUEST_INVALID` 403
 */
export function mustBeSameOrigin(
  request: Pick<RouteRequest, "header" | "isOwnOrigin">,
  nullOrigin: NullOrigin = "null is refused",
): void {
  const from = whereFrom(request);
  if (from === "elsewhere") throw refused("This address takes no POST from another origin.");
  if (from === "null" && nullOrigin === "null is refused") {
    throw refused(
      "This address takes no POST with Origin: null. Send the page with Referrer-Policy: same-origin, or use HTTPS.",
    );
  }
}

/** Returns where a request comes from: a page of this origin or no page, a page elsewhere, or one of which only `null` is known. */
export function whereFrom(request: Pick<RouteRequest, "header" | "isOwnOrigin">): "here" | "elsewhere" | "null" {
  const site = request.header("Sec-Fetch-Site");
  if (site !== undefined) return site === "same-origin" || site === "none" ? "here" : "elsewhere";
  const origin = request.header("Origin");
  if (origin === undefined || request.isOwnOrigin(origin)) return "here";
  return origin === "null" ? "null" : "elsewhere";
}

/** Returns whether a URL is on the host and port that the browser has asked for. */
export function isOwnOrigin(req: Request, url: string): boolean {
  const host = hostOf(req);
  if (host === undefined || /[^\w.:[\]-]/.test(host) || !URL.canParse(url)) return false;
  const { protocol, host: given } = new URL(url);
  // The scheme is not compared: a proxy may have ended TLS. Under it, a default port is the same as none.
  const own = `${protocol}//${host}`;
  return /^https?:$/.test(protocol) && URL.canParse(own) && new URL(own).host === given;
}

/** Returns whether a header that a proxy adds may be believed. Express alone knows: the app sets `trust proxy`. */
export function trustsProxy(req: Request): boolean {
  const app = (req as Partial<Request>).app;
  const trusts = app?.get("trust proxy fn") as ((address: string | undefined, hop: number) => boolean) | undefined;
  return trusts?.(req.socket.remoteAddress, 0) === true;
}

/** Returns the host that the browser has asked for: behind a trusted proxy, the one that the proxy names. */
function hostOf(req: Request): string | undefined {
  const forwarded = trustsProxy(req) ? req.headers["x-forwarded-host"] : undefined;
  // On HTTP/2 browsers send `:authority` in place of `Host` (RFC 9113 section 8.3.1). HTTP/1 knows no such name.
  const [first] = [forwarded ?? req.headers[":authority"] ?? req.headers.host].flat();
  return first?.split(",")[0]?.trim();
}

function refused(message: string): LogoutError {
  return new LogoutError("ERR_REQUEST_INVALID", message, { status: 403 });
}
