import type { KickRecord, Login, LoginEnd } from "../types/login.js";

/** How a login has ended. */
export interface KnownEnd extends Pick<LoginEnd, "cause" | "reason"> {
  readonly at: Date | number;
}

/** What the session rules report about logins. */
export interface SessionEvents {
  login(login: Pick<Login, "id" | "userId" | "ip" | "userAgent">): void;
  logout(login: Pick<Login, "id" | "userId" | "ip" | "userAgent">): void;
  /** The user of a login has authenticated again. */
  confirmed(login: Pick<Login, "id" | "userId" | "ip" | "userAgent">): void;
  /** Returns the record of an end by a rule of the app, or by a kick that applies to a login that has just begun. */
  newKick(cause: KickRecord["cause"], why: Pick<KickRecord, "reason" | "by">): KickRecord;
  /** Logins of a user were ended here. */
  kicked(userId: string, loginIds: readonly string[], kick: KickRecord): void;
  /** @param kick - what ended the login; `undefined` if that is not known */
  rejected(login: { id: string; userId: string | undefined }, kick: KnownEnd | undefined): void;
}
