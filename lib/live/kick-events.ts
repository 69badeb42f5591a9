import { LogoutError } from "../errors.js";
import type { Events, LogoutEvents } from "../logins/events.js";
import type { Logins } from "../logins/logins.js";
import { listenerOfEnds, type EndNotifications } from "./notifications.js";

const NAMES: readonly string[] = ["login", "logout", "kick", "rejected"] satisfies (keyof LogoutEvents)[];

/** Returns `auth.on`. Kicks of other processes are subscribed to only while there is a listener for them. */
export function subscribing(
  events: Pick<Events, "on" | "has">,
  notifications: Pick<EndNotifications, "add" | "remove">,
  logins: Pick<Logins, "onRemoteEnd">,
): Events["on"] {
  const kicks = listenerOfEnds((ended) => {
    logins.onRemoteEnd(ended);
  });
  return (name, listener) => {
    if (!NAMES.includes(name)) {
      throw new LogoutError("ERR_ARGUMENT_INVALID", `auth.on: unknown event "${name}". Known: ${NAMES.join(", ")}.`);
    }
    const remove = events.on(name, listener);
    if (name === "kick") notifications.add(kicks);
    return () => {
      remove();
      if (!events.has("kick")) notifications.remove(kicks);
    };
  };
}
