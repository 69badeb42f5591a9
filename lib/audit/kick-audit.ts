import { LogoutError } from "../errors.js";
import type { DeviceInfo, KickRecord } from "../types/login.js";
import { MAX_LOGIN_IDS } from "../util/limits.js";
import { AuditTimeout, type Audit, type AuditedEvent } from "./audit.js";

/** Records one kick: what became of each user. */
export class KickAudit {
  readonly #audit: Audit;
  readonly #kick: KickRecord;
  readonly #from: DeviceInfo;
  readonly #isOfEveryone: boolean;
  /** Why the log is not called again: a kick of many users must not wait for each if the log has hung once. */
  #stoppedBy: AuditTimeout | undefined;

  /**
   * @param options - `from`: the device of the request that kicks. `isOfEveryone`: the history has one entry for all users, because one
   * for each would push everything else out.
   */
  constructor(
    audit: Audit,
    kick: KickRecord,
    {
      from = {},
      isOfEveryone = false,
    }: { readonly from?: DeviceInfo | undefined; readonly isOfEveryone?: boolean } = {},
  ) {
    this.#audit = audit;
    this.#isOfEveryone = isOfEveryone;
    this.#kick = kick;
    this.#from = from;
  }

  /**
   * Records that logins of a user have ended.
   *
   * @param userId - `undefined` if the kick has found no user
   * @throws LogoutError `ERR_AUDIT_FAILED`
   */
  async ended(userId: string | undefined, logins: readonly { readonly id: string }[]): Promise<void> {
    // Not more than an entry holds: a user may have very many.
    const loginIds = logins.slice(0, MAX_LOGIN_IDS).map(({ id }) => id);
    await this.#write({ action: "kick", outcome: "success", userId, loginIds, logins: logins.length });
  }

  /** Records that the kick of a user has failed. What {@link ended} threw is not recorded: the log has failed already. */
  failed(userId: string, error: unknown): void {
    if (!LogoutError.is(error, "ERR_AUDIT_FAILED")) this.#note({ action: "kick", userId, ...failureOf(error) });
  }

  /**
   * Records that a kick of everyone is done.
   *
   * @throws LogoutError `ERR_AUDIT_FAILED`
   */
  async everyoneEnded(logins: number): Promise<void> {
    await this.#write({ action: "kick-everyone", outcome: "success", logins });
  }

  /** Records that a kick of everyone is not done for everyone. */
  everyoneFailed(error: unknown, logins: number): void {
    this.#note({ action: "kick-everyone", logins, ...failureOf(error) });
  }

  async #write(event: AuditedEvent): Promise<void> {
    try {
      if (this.#stoppedBy !== undefined) throw this.#stoppedBy;
      await this.#audit.write({ ...event, ...this.#facts }, this.#isKept(event));
    } catch (cause) {
      if (cause instanceof AuditTimeout) this.#stoppedBy = cause;
      throw new LogoutError("ERR_AUDIT_FAILED", "The kick could not be recorded: see the cause.", {
        cause,
        details: { userIds: [] },
      });
    }
  }

  #note(event: AuditedEvent): void {
    if (this.#stoppedBy === undefined) this.#audit.note({ ...event, ...this.#facts }, this.#isKept(event));
  }

  #isKept({ action }: AuditedEvent): boolean {
    return !this.#isOfEveryone || action === "kick-everyone";
  }

  get #facts(): Pick<AuditedEvent, "id" | "at" | "by" | "reason" | "ip" | "userAgent"> {
    const { id, at, by, reason } = this.#kick;
    return { id, at, by, reason, ...this.#from };
  }
}

function failureOf(error: unknown): Pick<AuditedEvent, "outcome" | "code"> {
  return { outcome: "failure", code: LogoutError.is(error) ? error.code : "ERR_KICK_INCOMPLETE" };
}
