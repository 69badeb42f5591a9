import type { IncomingMessage, ServerResponse } from "node:http";
import { parse, serialize } from "cookie";
import type { Cookie } from "express-session";

/** What a cookie may be called (RFC 6265 section 4.1.1). Browsers send others too, and `serialize` throws for them. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;
const LONG_AGO = new Date(0);
/** The cookies that each response clears. */
const clearedBy = new WeakMap<ServerResponse, string[]>();

/**
 * Clears the session cookie of a request, unless the response has begun. express-session does not say what its cookie is called:
 * it is the one that carries this session id, as `s:<id>.<signature>`.
 */
export function clearSessionCookie(
  req: IncomingMessage,
  res: ServerResponse,
  sid: string,
  attributes: Cookie | undefined,
): void {
  if (res.headersSent) return;
  const cleared = Object.entries(parse(req.headers.cookie ?? ""))
    .filter(([name, value]) => TOKEN.test(name) && value?.startsWith(`s:${sid}.`) === true)
    .map(([name]) => serialize(name, "", { ...sameCookie(attributes), expires: LONG_AGO }));
  if (cleared.length === 0) return;
  // Some responses, such as that of an upgrade in engine.io, cannot append.
  res.setHeader("Set-Cookie", [...setCookiesOf(res), ...cleared]);
  clearedBy.set(res, [...(clearedBy.get(res) ?? []), ...cleared]);
}

/** Drops the cleared cookie, because express-session is about to set the cookie of a new session. */
function dropCleared(res: ServerResponse): void {
  const cleared = clearedBy.get(res);
  if (cleared === undefined || res.headersSent) return;
  clearedBy.delete(res);
  const others = setCookiesOf(res).filter((cookie) => !cleared.includes(cookie));
  if (others.length === 0) res.removeHeader("Set-Cookie");
  else res.setHeader("Set-Cookie", others);
}

function setCookiesOf(res: ServerResponse): readonly string[] {
  const cookies = res.getHeader("Set-Cookie") ?? [];
  return Array.isArray(cookies) ? cookies : [String(cookies)];
}

/**
 * Keeps express-session from writing a session and setting its cookie on this response. It decides when the headers go out and at
 * the end, and does neither for a session id that is no string: so the id is an object for that moment, which reads like the string.
 *
 * @param isWithheld - asked each time: the app may have generated a session since, or put data into it
 */
export function hideSessionId(req: IncomingMessage, res: ServerResponse, isWithheld: () => boolean): void {
  const request = req as { session?: unknown; sessionID?: unknown };
  const methods = res as unknown as Record<"writeHead" | "end", (...args: unknown[]) => unknown>;
  for (const name of ["writeHead", "end"] as const) {
    const method = methods[name];
    methods[name] = function (this: ServerResponse, ...args) {
      const { session, sessionID } = request;
      // Without a session express-session sets no cookie and writes nothing, but may destroy the session by its id.
      const hasSession = session !== undefined && session !== null && typeof sessionID === "string";
      const isHidden = hasSession && isWithheld();
      if (hasSession && !isHidden) dropCleared(res);
      const shown: unknown = isHidden ? Object(sessionID) : sessionID;
      request.sessionID = shown;
      try {
        return method.apply(this, args);
      } finally {
        if (request.sessionID === shown) request.sessionID = sessionID;
      }
    };
  }
}

/** Returns the attributes by which a browser identifies the cookie, and accepts it. */
function sameCookie(cookie: (Cookie & { readonly partitioned?: boolean }) | undefined): object {
  const { path = "/", domain, secure, httpOnly, sameSite, partitioned } = cookie ?? {};
  const attributes = { path, domain, secure, httpOnly, sameSite, partitioned };
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}
