import type { Request } from "express";
import { LogoutError } from "../errors.js";

/**
 * Whether a GET is a person going to a page: a top-level navigation that is not made ahead of time. An image or a frame on
 * another site is none. Browsers without Fetch Metadata, and clients that are no browsers, send nothing and count as one.
 *
 * Source: W3C Fetch Metadata Request Headers; OWASP ASVS 5.0 3.5.1.
 */
export function isTopLevelNavigation(req: Request): boolean {
  const destination = req.get("Sec-Fetch-Dest");
  return (destination === undefined || destination === "document") && !isSpeculative(req);
}

/**
 * Whether a POST comes from a page of this very origin, or from no browser: by `Sec-Fetch-Site`, else by `Origin`.
 *
 * Source: OWASP ASVS 5.0 3.5.1 to 3.5.3; OWASP Cross-Site Request Forgery Prevention Cheat Sheet.
 */
function isSameOrigin(req: Request): boolean {
  const site = req.get("Sec-Fetch-Site");
  if (site !== undefined) return site === "same-origin" || site === "none";
  const origin = req.get("Origin");
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === hostOf(req);
}

/** The host that the browser has asked for: a proxy tells it, where the app trusts one. */
export function hostOf(req: Request): string | undefined {
  const trusts = req.app.get("trust proxy fn") as (address: string | undefined, hop: number) => boolean;
  const forwarded = trusts(req.socket.remoteAddress, 0) ? req.get("X-Forwarded-Host") : undefined;
  return (forwarded ?? req.get("Host"))?.split(",")[0]?.trim();
}

/** @throws LogoutError `ERR_REQUEST` 403 for a POST that another site has sent. */
export function mustBeSameOrigin(req: Request): void {
  if (!isSameOrigin(req)) {
    throw new LogoutError("ERR_REQUEST", "This address takes no POST from another origin.", { status: 403 });
  }
}

/** Whether whoever sent this will see the answer: a page load or a call of a script, not an image, a style or a prefetch. */
export function showsAnswer(req: Request): boolean {
  if (req.method === "HEAD" || isSpeculative(req)) return false;
  const destination = req.get("Sec-Fetch-Dest");
  if (destination !== undefined) return ["document", "empty", "iframe", "frame"].includes(destination);
  return !/^(image|audio|video|font|text\/css)\b/i.test(req.get("Accept") ?? "");
}

function isSpeculative(req: Request): boolean {
  return /\bpre(fetch|render)\b/.test(req.get("Sec-Purpose") ?? req.get("Purpose") ?? "");
}
