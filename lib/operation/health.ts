import { LogoutError, type LogoutErrorCode } from "../errors.js";
import type { EndNotifications } from "../live/notifications.js";
import type { Health, RegistryHealth } from "../types/health.js";
import type { LoginRegistry } from "../types/registry.js";
import { debugError } from "../util/debug.js";

/** Probes usually wait for a second or more; the answer is there within two, also from a busy process. */
const ANSWERS_WITHIN_MS = 1_500;

/** Returns `auth.health`. */
export function healthOf(
  registry: LoginRegistry,
  notifications: Pick<EndNotifications, "state">,
): () => Promise<Health> {
  return async () => {
    try {
      const { latencyMs, clockSkewMs } = await within(ANSWERS_WITHIN_MS, () => measure(registry));
      return { ok: true, registry: { ok: true, latencyMs, clockSkewMs }, notifications: notifications.state };
    } catch (error) {
      debugError("health: the registry does not respond", error);
      return { ok: false, registry: { ok: false }, notifications: notifications.state, code: codeOf(error) };
    }
  };
}

/** Measures a round trip to the registry, by its own `health()` if it has one. */
export async function measure(registry: LoginRegistry): Promise<RegistryHealth> {
  if (typeof registry.health === "function") return registry.health();
  const started = performance.now();
  await registry.find("express-logout health", "none");
  return { latencyMs: Math.round(performance.now() - started) };
}

/** Returns the result of a call to the registry, or rejects with `ERR_REGISTRY_UNAVAILABLE` after a time. */
export async function within<Value>(ms: number, call: () => Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new LogoutError("ERR_REGISTRY_UNAVAILABLE", `The registry did not respond within ${String(ms)} ms.`));
    }, ms);
  });
  try {
    return await Promise.race([call(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A registry of another author may reject with any error. */
function codeOf(error: unknown): LogoutErrorCode {
  return LogoutError.is(error) ? error.code : "ERR_REGISTRY_UNAVAILABLE";
}
