import type { Login } from "../types/login.js";

/** What the session rules report about logins. */
export interface SessionEvents {
  login(login: Pick<Login, "id" | "userId" | "ip" | "userAgent">): void;
  logout(login: Pick<Login, "id" | "userId">): void;
  rejected(login: { id: string; userId: string | undefined; reason: string | undefined }): void;
}
