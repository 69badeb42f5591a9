import type { Login } from "../../types/login.js";
import { MAX_KICK_TEXT } from "../../util/limits.js";
import type { HandlerContext } from "../context.js";
import { noticeReply } from "../notice-reply.js";
import { redirectReply, type Reply } from "../reply.js";
import type { RouteRequest } from "../route-request.js";

/** Returns the login of a request for a page. Without one, the reply redirects a browser to log in, and is a 401 to a program. */
export async function requireLogin(context: HandlerContext, request: RouteRequest): Promise<Login | Reply> {
  const login = await request.currentLogin();
  if (login !== undefined) return login;
  const { addresses, texts } = request;
  const href = addresses.login;
  if (href !== false && request.method === "GET" && request.acceptsPage) {
    return redirectReply(withReturnTo(href, returnPath(request)));
  }
  const link = href === false ? undefined : { href, label: texts.logIn };
  return noticeReply(context, request, 401, { title: texts.logInFirst, link });
}

/** The path that was asked for, and no host: the line of a request may name any (RFC 9112 section 3.2.2). */
export function returnPath({ addresses }: RouteRequest): string {
  return addresses.path + addresses.search;
}

/** The address of a page that leads back to a path of this site. */
export function withReturnTo(href: string, path: string): string {
  const separator = href.includes("?") ? "&" : "?";
  return `${href}${separator}returnTo=${encodeURIComponent(path)}`;
}

/** Where a page is that this request, to a part of it, belongs to: also under a prefix, and without a slash at the end. */
export function pageUrl({ addresses }: RouteRequest, part: string): string {
  const path = addresses.path.replace(/\/+$/, "");
  const page = part === "" ? path : path.slice(0, -part.length);
  return page === "" ? "/" : page;
}

/** Returns a small number from the address, for a message. A forged number only misleads its author. */
export function countOf(value: unknown): number | undefined {
  return typeof value === "string" && /^\d{1,9}$/.test(value) ? Number(value) : undefined;
}

/** Anybody's text in a length that a kick takes as its reason, or as who it is by. */
export function truncateKickText(text: string): string {
  return text.slice(0, MAX_KICK_TEXT).toWellFormed();
}
