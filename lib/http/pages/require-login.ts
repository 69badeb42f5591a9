import type { Request, Response } from "express";
import type { Login } from "../../types/login.js";
import { MAX_KICK_TEXT } from "../../logins/logins.js";
import { loginUrl, outerPath } from "../addresses.js";
import { acceptsPage, redirectTo, sendNotice } from "../responses.js";
import { currentLogin, type HttpContext } from "../context.js";
import { textsOf } from "./page-context.js";

/** Returns the login of a request for a page. Without one a browser is redirected to log in, and a program gets 401. */
export async function requireLogin(context: HttpContext, req: Request, res: Response): Promise<Login | undefined> {
  const login = await currentLogin(context, req);
  if (login !== undefined) return login;
  const href = loginUrl(context, req);
  if (href !== false && req.method === "GET" && acceptsPage(req)) {
    const separator = href.includes("?") ? "&" : "?";
    redirectTo(res, `${href}${separator}returnTo=${encodeURIComponent(returnPath(context, req))}`);
    return undefined;
  }
  const texts = textsOf(context, req);
  sendNotice(context, req, res, 401, {
    title: texts.logInFirst,
    link: href === false ? undefined : { href, label: texts.logIn },
  });
  return undefined;
}

/** The path that was asked for, and no host: the line of a request may name any (RFC 9112 section 3.2.2). */
function returnPath(context: HttpContext, req: Request): string {
  return outerPath(context, req) + (/\?.*$/s.exec(req.originalUrl)?.[0] ?? "");
}

/** Where a page is that this request, to a part of it, belongs to: also under a prefix, and without a slash at the end. */
export function pageUrl(context: HttpContext, req: Request, part: string): string {
  const path = outerPath(context, req).replace(/\/+$/, "");
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
