import type { Request } from "express";
import type { Texts } from "../pages/texts/index.js";
import type { Login } from "../types/login.js";
import type { Fields } from "./fields.js";
import type { RequestKind } from "./request-kind.js";

/** What handlers see of a request. Without Express, so that their tests need none. */
export interface RouteRequest {
  readonly method: string;
  readonly kind: RequestKind;
  /** The parameters in the path of the route. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Fields;
  /** The texts in the language of the response. */
  readonly texts: Texts;
  readonly addresses: Addresses;
  /** Whether the browser has asked over HTTPS, as far as Express trusts the proxy. */
  readonly isSecure: boolean;
  /** Whether the client prefers HTML, and gets it: not with `pages.html: false`. */
  readonly acceptsPage: boolean;
  /** Whether the client asks for JSON by name. */
  readonly namesJson: boolean;
  /** Whether the route of a page responds with JSON: where it is asked for by name, and always with `pages.html: false`. */
  readonly wantsData: boolean;
  /** The request itself: only for functions of the app. */
  readonly original: Request;

  header(name: string): string | undefined;
  /** Returns which of these types the client prefers. */
  accepts(types: string[]): string | false;
  /** Returns whether a URL is on the host and port that the browser has asked for. */
  isOwnOrigin(url: string): boolean;
  /** @throws LogoutError `ERR_REQUEST_INVALID` 400, 413, 415 */
  json(): Promise<unknown>;
  /** @throws LogoutError `ERR_REQUEST_INVALID` 400, 413, 415 */
  form(): Promise<Fields>;
  /** The fields of a form that needs none: a body that cannot be read has no fields. */
  optionalForm(): Promise<Fields>;
  /** The fields of a form of at most 64 kB and 20 parameters. @throws LogoutError `ERR_REQUEST_INVALID` 400, 413, 415 */
  smallForm(): Promise<Fields>;
  /** The text of a body of one media type, of at most 64 kB. @throws LogoutError `ERR_REQUEST_INVALID` 400, 413, 415 */
  smallText(type: string): Promise<string>;
  /** Returns whether the login of the request is fresh. */
  isFresh(maxAgeMs: number): boolean;
  /** Returns the live login of the request. @throws LogoutError `ERR_REGISTRY_UNAVAILABLE` */
  currentLogin(): Promise<Login | undefined>;
  /** Returns where the browser must go so that the identity provider of the session ends its own; mostly `undefined`. */
  endSessionUrl(state: string): string | undefined;
  /** Ends the login of the request, and clears the cookie on its response. */
  logout(): Promise<void>;
}

/** Addresses as browsers see them. */
export interface Addresses {
  /** The path that was asked for. */
  readonly path: string;
  /** The query that was asked for, with its `?`. */
  readonly search: string;
  /** The place that the middleware is mounted at; empty for the root. */
  readonly mount: string;
  /** Where users land who have logged out. */
  readonly home: string;
  /** Where users log in, or `false` where the app has no such page. */
  readonly login: string | false;
}
