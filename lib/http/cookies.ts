import type { IncomingMessage, ServerResponse } from "node:http";
import { parse, serialize } from "cookie";
import type { CookieOptions } from "express";
import type { Cookie } from "express-session";

/** What a cookie may be called (RFC 6265 section 4.1.1). Browsers send others too, and Express would throw on them. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

/**
 * Clears the session cookie of a request. express-session does not say what its cookie is called: it is the one that carries
 * this session id, as `s:<id>.<signature>`.
 */
export function clearSessionCookie(
  req: IncomingMessage,
  res: ServerResponse,
  sid: string,
  attributes: Cookie | undefined,
): void {
  for (const [name, value] of Object.entries(parse(req.headers.cookie ?? ""))) {
    if (TOKEN.test(name) && value?.startsWith(`s:${sid}.`) === true) clear(res, name, sameCookie(attributes));
  }
}

/** As `res.clearCookie` of Express, also where Express has not seen the request. */
function clear(res: ServerResponse, name: string, attributes: CookieOptions): void {
  const others = [res.getHeader("Set-Cookie") ?? []].flat().map(String);
  const cleared = serialize(name, "", { path: "/", ...attributes, expires: new Date(1) } as object);
  res.setHeader("Set-Cookie", [...others, cleared]);
}

/** The attributes by which a browser tells that it is the same cookie, and accepts that it is set. */
function sameCookie(cookie: (Cookie & { readonly partitioned?: boolean }) | undefined): CookieOptions {
  const { path, domain, secure, httpOnly, sameSite, partitioned } = cookie ?? {};
  const attributes = { path, domain, secure, httpOnly, sameSite, partitioned };
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}
