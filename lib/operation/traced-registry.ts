import type { LoginRegistry } from "../types/registry.js";
import { registryCalls, trace } from "./channels.js";

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

/** Returns the registry, with calls that the tracing channel `express-logout:registry` publishes. Everything else is as it was. */
export function tracedRegistry(registry: LoginRegistry, appId: string): LoginRegistry {
  const traced = new Map<string | symbol, Method>(
    TRACED.map((method) => [
      method,
      (...args) => trace(registryCalls, { appId, method }, () => (registry[method] as Method)(...args)),
    ]),
  );
  return new Proxy(registry, {
    get: (target, name) => {
      const method = traced.get(name);
      if (method !== undefined) return method;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}
