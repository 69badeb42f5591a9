import type { Request } from "express";
import type { HttpContext } from "../http/context.js";
import { findToken, NO_APPLICATION, refused } from "../http/authing-api/authenticate.js";
import type { ResolvedToken } from "../options/admin-tokens.js";
import { AccessTokens } from "./access-tokens.js";
import { Nonces } from "./nonces.js";
import type { ResolvedAuthing } from "./options.js";

/** A user pool: its applications, and how its callers prove who they are. */
export class UserPool {
  readonly options: ResolvedAuthing;
  readonly accessTokens: AccessTokens;
  /** Every application of the pool that is served here: at least one. */
  readonly applications: readonly [HttpContext, ...HttpContext[]];
  readonly #nonces = new Nonces();

  constructor(options: ResolvedAuthing) {
    this.options = options;
    this.accessTokens = new AccessTokens(options);
    this.applications = [...options.applications.values()] as unknown as UserPool["applications"];
  }

  /** @throws LogoutError `ERR_REQUEST_INVALID` 404 */
  application(appId: string): HttpContext {
    const application = this.options.applications.get(appId);
    if (application === undefined) throw refused(404, NO_APPLICATION);
    return application;
  }

  /** Returns the application whose session a request has; else the first. */
  applicationOf(req: Request): HttpContext {
    const [first] = this.applications;
    return this.applications.find(({ sessions }) => sessions.owns(req)) ?? first;
  }

  /**
   * Returns whether a request is for the admin API of an application, which has the same path: of one that is not served here, or by
   * the owner of one of its tokens.
   */
  isForAdminApi(req: Request): boolean {
    const application = this.options.applications.get(String(req.params["appId"]));
    if (application === undefined) return true;
    const isKnownTo = (tokens: readonly ResolvedToken[]): boolean =>
      findToken(req.get("Authorization"), tokens) !== undefined;
    return !isKnownTo(this.options.tokens) && isKnownTo(application.options.admin?.tokens ?? []);
  }

  /** Remembers a nonce. @returns whether it was new */
  async rememberNonce(nonce: string, ttlMs: number): Promise<boolean> {
    const { rememberNonce } = this.options;
    if (rememberNonce === undefined) return this.#nonces.remember(nonce, ttlMs);
    // An app in JavaScript may return anything: only `true` passes.
    const isNew: unknown = await rememberNonce(nonce, ttlMs);
    return isNew === true;
  }
}
