import { MemoryLoginRegistry, type LoginRegistry } from "../../lib/index.js";
import { RedisLoginRegistry } from "../../lib/registry/redis/index.js";
import { CLIENTS, stopSharedServers, type OpenClient } from "./redis-clients.js";

/** A kind of registry to run a suite on: `open` gives an empty one, bound to the application it is given. */
export interface RegistryKind {
  readonly name: string;
  start(): Promise<void>;
  open(appId: string): LoginRegistry;
  stop(): Promise<void>;
}

export const MAX_SESSION_AGE_MS = 86_400_000;

function bound<Registry extends LoginRegistry>(registry: Registry, appId: string): Registry {
  registry.bind({ appId, maxSessionAgeMs: MAX_SESSION_AGE_MS });
  return registry;
}

const memory: RegistryKind = {
  name: "MemoryLoginRegistry",
  start: () => Promise.resolve(),
  open: (appId) => bound(new MemoryLoginRegistry(), appId),
  stop: () => Promise.resolve(),
};

function onRedis(kind: (typeof CLIENTS)[number]): RegistryKind {
  let opened: OpenClient | undefined;
  return {
    name: `RedisLoginRegistry on ${kind.name}`,
    start: async () => {
      opened = await kind.open();
    },
    open: (appId) => {
      if (opened === undefined) throw new Error("not started");
      return bound(new RedisLoginRegistry({ client: opened.client }), appId);
    },
    stop: async () => {
      await opened?.close();
    },
  };
}

export const REGISTRIES: readonly RegistryKind[] = [memory, ...CLIENTS.map(onRedis)];

/** Ends the servers that the kinds share. */
export const stopRegistryServers = stopSharedServers;
