import { randomBytes, timingSafeEqual } from "node:crypto";
import { parse, serialize } from "cookie";
import type { Handler } from "../context.js";
import { onlyValueOf } from "../fields.js";
import { redirectReply } from "../reply.js";
import type { RouteRequest } from "../route-request.js";
import { resolveRedirect, type WayBack } from "./redirects.js";

const NAME = "express-logout-return";
const MAX_AGE_SECONDS = 600;
/** Browsers drop longer cookies, with their attributes. */
const LONGEST_VALUE = 3_500;

/** A logout that goes on at the identity provider. */
export interface ProviderLogout {
  readonly to: string;
  /** Keeps where the user wanted to go, until the provider sends the browser back. Without an answer to that they go home. */
  readonly cookiesFor: (wayBack: WayBack | undefined) => readonly string[];
}

/**
 * Returns where a logout goes on; `undefined` if the session came from no provider that logs out. Must be called while the request
 * still has its session, before the login is ended: the provider may never send the browser back.
 */
export function providerLogout(request: RouteRequest): ProviderLogout | undefined {
  const state = randomBytes(16).toString("base64url");
  const to = request.endSessionUrl(state);
  if (to === undefined) return undefined;
  return {
    to,
    cookiesFor: (wayBack) => {
      const { given, state: asked } = wayBack ?? {};
      const kept = [typeof given === "string" ? given : "", ...(asked === undefined ? [] : [asked])];
      const value = [state, ...kept.map(encode)].join(".");
      return value.length > LONGEST_VALUE ? [] : [cookie(request, value, MAX_AGE_SECONDS)];
    },
  };
}

/** `GET /login/profile/logout/return`: the provider sends the browser back. */
export const returnFromProvider: Handler = ({ options }, request) => {
  const { home } = request.addresses;
  // What came back is checked again: a cookie proves nothing.
  const redirect = resolveRedirect(keptWayBack(request), options.redirects.allow, home);
  const reply = redirectReply("to" in redirect ? redirect.to : home, 302);
  return Promise.resolve({ ...reply, cookies: [cookie(request, "", 0)] });
};

function keptWayBack(request: RouteRequest): WayBack {
  const cookie = parse(request.header("Cookie") ?? "")[nameFor(request)] ?? "";
  const [state = "", given = "", asked] = cookie.split(".");
  const isOurs = state !== "" && isSame(state, onlyValueOf(request.query, "state") ?? "");
  if (!isOurs) return { name: NAME, given: undefined };
  return { name: NAME, given: decode(given), state: asked === undefined ? undefined : decode(asked) };
}

function encode(text: string): string {
  return Buffer.from(text).toString("base64url");
}

function decode(text: string): string {
  return Buffer.from(text, "base64url").toString();
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Only this host may set a cookie with the prefix, and only over HTTPS. */
function nameFor({ isSecure }: RouteRequest): string {
  return isSecure ? `__Host-${NAME}` : NAME;
}

function cookie(request: RouteRequest, value: string, maxAge: number): string {
  const { isSecure: secure } = request;
  return serialize(nameFor(request), value, { path: "/", httpOnly: true, sameSite: "lax", secure, maxAge });
}
