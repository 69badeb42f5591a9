import type { LoginRegistry } from "../types/registry.js";
import { hasSubscribers, registryCalls, trace } from "./channels.js";

const TRACED = [
  "find",
  "add",
  "update",
  "end",
  "finishKick",
  "kickEveryone",
  "kickOf",
  "list",
  "activeUsers",
  "clear",
] as const satisfies (keyof LoginRegistry)[];

type Method = (...args: unknown[]) => Promise<unknown>;

/** A `logout()` that takes a store over may get a registry that is traced already. */
const TRACED_REGISTRIES = new WeakSet<LoginRegistry>();

/** Returns the registry, with calls that the tracing channel `express-logout:registry` publishes. Everything else is as it was. */
export function tracedRegistry(registry: LoginRegistry, appId: string): LoginRegistry {
  if (TRACED_REGISTRIES.has(registry)) return registry;
  const tracedMethod = (method: (typeof TRACED)[number]): Method => {
    const call = (args: unknown[]): Promise<unknown> => (registry[method] as Method)(...args);
    return (...args) =>
      hasSubscribers(registryCalls) ? trace(registryCalls, { appId, method }, () => call(args)) : call(args);
  };
  const traced = new Map<string | symbol, Method>(TRACED.map((method) => [method, tracedMethod(method)]));
  const proxy = new Proxy(registry, {
    get: (target, name) => {
      const method = traced.get(name);
      if (method !== undefined) return method;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
  TRACED_REGISTRIES.add(proxy);
  return proxy;
}
