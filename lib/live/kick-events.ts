import type { Events } from "../logins/events.js";
import type { Logins } from "../logins/logins.js";
import { listenerOfEnds, type EndNotifications } from "./notifications.js";

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
    const remove = events.on(name, listener);
    if (name === "kick") notifications.add(kicks);
    return () => {
      remove();
      if (!events.has("kick")) notifications.remove(kicks);
    };
  };
}
