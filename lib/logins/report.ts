import type { KnownEnd, SessionEvents } from "../session/session-events.js";
import { debug } from "../util/debug.js";
import type { Events } from "./events.js";
import type { Logins } from "./logins.js";

/** Returns what the session rules report to: the events of `auth.on(…)`. */
export function reportTo(events: Events, logins: Pick<Logins, "newKick" | "kicked">): SessionEvents {
  return {
    login: ({ id, userId, ip, userAgent }) => {
      events.emit("login", { userId, loginId: id, ip, userAgent });
    },
    logout: ({ id, userId }) => {
      events.emit("logout", { userId, loginId: id });
    },
    newKick: (cause, reason) => logins.newKick(cause, { reason }),
    kicked: (userId, loginIds, kick) => {
      logins.kicked(userId, loginIds, kick);
    },
    rejected: ({ id, userId }, { at, cause, reason }: KnownEnd = { at: Date.now(), cause: "logout" }) => {
      debug?.(
        "rejected a session of %s, %s",
        userId ?? "a kicked user",
        reason === undefined ? "no reason given" : "with a reason",
      );
      events.emit("rejected", { loginId: id, userId, cause, at: new Date(at), reason });
    },
  };
}
