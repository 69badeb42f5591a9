import type { Audit } from "../audit/audit.js";
import type { KnownEnd, SessionEvents } from "../session/session-events.js";
import { debug } from "../util/debug.js";
import type { Events } from "./events.js";
import type { Logins } from "./logins.js";

/** Returns what the session rules report to: the events of `auth.on(…)`, and the audit log. */
export function reportTo(
  events: Events,
  logins: Pick<Logins, "newKick" | "kicked">,
  audit: Pick<Audit, "note">,
): SessionEvents {
  return {
    login: ({ id, userId, ip, userAgent }) => {
      events.emit("login", { userId, loginId: id, ip, userAgent });
      audit.note({ action: "login", outcome: "success", userId, loginIds: [id], ip, userAgent });
    },
    logout: ({ id, userId, ip, userAgent }) => {
      events.emit("logout", { userId, loginId: id });
      audit.note({ action: "logout", outcome: "success", userId, loginIds: [id], ip, userAgent });
    },
    confirmed: ({ id, userId, ip, userAgent }) => {
      audit.note({ action: "confirmed", outcome: "success", userId, loginIds: [id], ip, userAgent });
    },
    newKick: (cause, why) => logins.newKick(cause, why),
    kicked: (userId, loginIds, kick) => {
      logins.kicked(userId, loginIds, kick);
      const { id, at, cause, reason, by } = kick;
      const action = cause === "limit" ? "limit" : "kick";
      audit.note({ action, outcome: "success", id, at, userId, loginIds, logins: loginIds.length, reason, by });
    },
    rejected: ({ id, userId }, { at, cause, reason }: KnownEnd = { at: Date.now(), cause: "logout" }) => {
      debug?.(
        "rejected a session of %s, %s",
        userId ?? "a kicked user",
        reason === undefined ? "no reason given" : "with a reason",
      );
      events.emit("rejected", { loginId: id, userId, cause, at: new Date(at), reason });
      const loginIds = id === "" ? undefined : [id];
      // Requests that come in together have the same entry; a later one no longer knows the user.
      if (cause === "lifetime" && userId !== undefined) {
        audit.note({ action: "lifetime", outcome: "success", id, at: new Date(at), userId, loginIds });
      }
      audit.note({ action: "rejected", outcome: "failure", code: "ERR_LOGIN_ENDED", userId, loginIds, reason });
    },
  };
}
