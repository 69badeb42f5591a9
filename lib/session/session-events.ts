import type { Login, LoginEnd } from "../types/login.js";

/** How a login has ended. */
export interface KnownEnd extends Pick<LoginEnd, "cause" | "reason"> {
  readonly at: Date | number;
}

/** What the session rules report about logins. */
export interface SessionEvents {
  login(login: Pick<Login, "id" | "userId" | "ip" | "userAgent">): void;
  logout(login: Pick<Login, "id" | "userId">): void;
  /** @param kick - what ended the login; `undefined` if that is not known */
  rejected(login: { id: string; userId: string | undefined }, kick: KnownEnd | undefined): void;
}
