import type { Audit } from "../audit/audit.js";
import type { SessionEvents } from "../session/session-events.js";
import { debug } from "../util/debug.js";
import type { Events } from "./events.js";

/** Returns what the session rules report to: the events of `auth.on(…)`, and the audit log. */
export function reportTo(events: Events, audit: Audit): SessionEvents {
  return {
    login: ({ id, userId, ip, userAgent }) => {
      events.emit("login", { userId, loginId: id, ip, userAgent });
      audit.note({ action: "login", outcome: "success", userId, loginIds: [id], ip, userAgent });
    },
    logout: ({ id, userId, ip, userAgent }) => {
      events.emit("logout", { userId, loginId: id });
      audit.note({ action: "logout", outcome: "success", userId, loginIds: [id], ip, userAgent });
    },
    rejected: ({ id, userId, at, reason }) => {
      debug?.(
        "rejected a session of %s, %s",
        userId ?? "a kicked user",
        reason === undefined ? "no reason given" : "with a reason",
      );
      const cause = at === undefined ? "logout" : "kick";
      events.emit("rejected", { loginId: id, userId, cause, at: new Date(at ?? Date.now()), reason });
      const loginIds = id === "" ? undefined : [id];
      audit.note({ action: "rejected", outcome: "failure", code: "ERR_LOGIN_ENDED", userId, loginIds, reason });
    },
  };
}
