import type { Audit } from "./audit/audit.js";
import type { EndNotifications } from "./live/notifications.js";
import type { Events } from "./logins/events.js";
import type { HookUse, StoreHook } from "./session/hook.js";
import type { LoginRegistry } from "./types/registry.js";
import { allInTurn } from "./util/all-in-turn.js";

export interface Closed {
  readonly events: Events;
  readonly audit: Audit;
  readonly notifications: EndNotifications;
  readonly registry: LoginRegistry;
  readonly hook: StoreHook;
  readonly use: HookUse;
}

/** Returns `auth.close()`. What another `logout()` has taken over stays open. */
export function closing({ events, audit, notifications, registry, hook, use }: Closed): () => Promise<void> {
  const ifInUse = (act: () => unknown) => () => (hook.isUsedBy(use) ? act() : undefined);
  return () =>
    allInTurn(
      () => {
        events.close();
      },
      ifInUse(() => {
        hook.live.suspend();
      }),
      () => notifications.close(),
      () => audit.settled(),
      ifInUse(() => registry.close()),
      () => {
        hook.leave(use);
      },
    );
}
