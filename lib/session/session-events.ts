import type { Login } from "../types/login.js";

/** What the session rules report about logins. */
export interface SessionEvents {
  login(login: Pick<Login, "id" | "userId" | "ip" | "userAgent">): void;
  logout(login: Pick<Login, "id" | "userId" | "ip" | "userAgent">): void;
  /** @param login - `at`: when it was kicked, if a kick is known */
  rejected(login: {
    id: string;
    userId: string | undefined;
    at?: number | undefined;
    reason: string | undefined;
  }): void;
}
