import { kickCalls, trace, type KickCall } from "../operation/channels.js";
import type { KickResult } from "./kick-options.js";
import { Logins } from "./logins.js";

/** Logins whose kicks the tracing channel `express-logout:kick` publishes. */
export class TracedLogins extends Logins {
  readonly #appId: string;

  constructor(appId: string, options: ConstructorParameters<typeof Logins>[0]) {
    super(options);
    this.#appId = appId;
  }

  override kick(...args: Parameters<Logins["kick"]>): Promise<KickResult> {
    return this.#trace("kick", () => super.kick(...args));
  }

  override kickLogin(...args: Parameters<Logins["kickLogin"]>): Promise<KickResult> {
    return this.#trace("kickLogin", () => super.kickLogin(...args));
  }

  override kickByKey(...args: Parameters<Logins["kickByKey"]>): Promise<KickResult> {
    return this.#trace("kickByKey", () => super.kickByKey(...args));
  }

  override kickAll(...args: Parameters<Logins["kickAll"]>): Promise<KickResult> {
    return this.#trace("kickAll", () => super.kickAll(...args));
  }

  override kickWhere(...args: Parameters<Logins["kickWhere"]>): Promise<KickResult> {
    return this.#trace("kickWhere", () => super.kickWhere(...args));
  }

  #trace(method: KickCall["method"], act: () => Promise<KickResult>): Promise<KickResult> {
    const call: KickCall = { appId: this.#appId, method };
    return trace(kickCalls, call, act, ({ users, logins }) => {
      Object.assign(call, { users, logins });
    });
  }
}
