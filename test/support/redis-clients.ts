import { Cluster, Redis } from "ioredis";
import { Cluster as Cluster5, Redis as Redis5 } from "ioredis5";
import { createClient, createClientPool, createCluster, createSentinel } from "redis";
import {
  createClient as createClient5,
  createClientPool as createClientPool5,
  createCluster as createCluster5,
  createSentinel as createSentinel5,
} from "redis5";
import type { RedisClient } from "../../lib/registry/redis/index.js";
import { startCluster, startSentinelSet, type ClusterSet, type SentinelSet } from "./redis-replicated.js";
import { startRedis, type RedisServer } from "./redis-server.js";
import { installed } from "./tried.js";

/** A client as an app makes it, connected. */
export interface OpenClient {
  readonly client: RedisClient;
  readonly close: () => Promise<void>;
}

/** A kind of client, and its servers. */
export interface ClientKind<Servers> {
  readonly name: string;
  open(servers: Servers): Promise<OpenClient>;
}

interface NodeRedis {
  on(event: "error", listener: () => void): unknown;
  connect(): Promise<unknown>;
  destroy(): unknown;
}

async function nodeRedis(client: NodeRedis & RedisClient): Promise<OpenClient> {
  client.on("error", () => undefined);
  await client.connect();
  return {
    client,
    close: async () => {
      await client.destroy();
    },
  };
}

interface IoRedis {
  on(event: "error", listener: () => void): unknown;
  connect(): Promise<unknown>;
  disconnect(): void;
}

async function ioRedis(client: IoRedis & RedisClient): Promise<OpenClient> {
  client.on("error", () => undefined);
  await client.connect();
  return {
    client,
    close: () => {
      client.disconnect();
      return Promise.resolve();
    },
  };
}

const LAZY = { lazyConnect: true };
/** A pool that keeps its connections: the timer of one that closes them outlives it, and throws if Redis has gone meanwhile. */
const STEADY = { minimum: 4, maximum: 4 };

export const ON_ONE_SERVER: readonly ClientKind<RedisServer>[] = [
  { name: "node-redis 6", open: ({ url }) => nodeRedis(createClient({ url })) },
  { name: "node-redis 5", open: ({ url }) => nodeRedis(createClient5({ url })) },
  { name: "node-redis 6 in RESP 2", open: ({ url }) => nodeRedis(createClient({ url, RESP: 2 })) },
  { name: "a pool of node-redis 6", open: ({ url }) => nodeRedis(createClientPool({ url }, STEADY)) },
  { name: "a pool of node-redis 5", open: ({ url }) => nodeRedis(createClientPool5({ url }, STEADY)) },
  { name: "ioredis 6", open: ({ url }) => ioRedis(new Redis(url, LAZY)) },
  { name: "ioredis 5", open: ({ url }) => ioRedis(new Redis5(url, LAZY)) },
];

const addresses = (servers: readonly RedisServer[]) => servers.map(({ port }) => ({ host: "127.0.0.1", port }));
const urls = (servers: readonly RedisServer[]) => servers.map(({ url }) => ({ url }));

export const ON_A_CLUSTER: readonly ClientKind<ClusterSet>[] = [
  { name: "node-redis 6 Cluster", open: ({ nodes }) => nodeRedis(createCluster({ rootNodes: urls(nodes) })) },
  { name: "node-redis 5 Cluster", open: ({ nodes }) => nodeRedis(createCluster5({ rootNodes: urls(nodes) })) },
  { name: "ioredis 6 Cluster", open: ({ nodes }) => ioRedis(new Cluster(addresses(nodes), LAZY)) },
  { name: "ioredis 5 Cluster", open: ({ nodes }) => ioRedis(new Cluster5(addresses(nodes), LAZY)) },
];

export const ON_SENTINEL: readonly ClientKind<SentinelSet>[] = [
  {
    name: "node-redis 6 Sentinel",
    open: ({ name, sentinels }) => nodeRedis(createSentinel({ name, sentinelRootNodes: addresses(sentinels) })),
  },
  {
    name: "node-redis 5 Sentinel",
    open: ({ name, sentinels }) => nodeRedis(createSentinel5({ name, sentinelRootNodes: addresses(sentinels) })),
  },
  {
    name: "ioredis 6 Sentinel",
    open: ({ name, sentinels }) => ioRedis(new Redis({ name, sentinels: addresses(sentinels), ...LAZY })),
  },
  {
    name: "ioredis 5 Sentinel",
    open: ({ name, sentinels }) => ioRedis(new Redis5({ name, sentinels: addresses(sentinels), ...LAZY })),
  },
];

/** Servers that are started when they are first asked for, and then shared. */
export interface Shared<Servers> {
  get(): Promise<Servers>;
  stop(): Promise<void>;
}

function shared<Servers extends { stop(): Promise<void> }>(start: () => Promise<Servers>): Shared<Servers> {
  let servers: Promise<Servers> | undefined;
  return {
    get: () => (servers ??= start()),
    stop: async () => {
      await (await servers)?.stop();
      servers = undefined;
    },
  };
}

export const oneServer = shared(startRedis);
export const cluster = shared(startCluster);
export const sentinelSet = shared(startSentinelSet);

export async function stopSharedServers(): Promise<void> {
  await Promise.all([oneServer.stop(), cluster.stop(), sentinelSet.stop()]);
}

/** Every kind of client, with the servers it is for. */
export const CLIENTS: readonly {
  readonly name: string;
  open(): Promise<OpenClient>;
  nodes(): Promise<readonly RedisServer[]>;
}[] = [
  ...on(ON_ONE_SERVER, oneServer, (server) => [server]),
  ...on(ON_A_CLUSTER, cluster, ({ nodes }) => nodes),
  ...on(ON_SENTINEL, sentinelSet, ({ nodes }) => nodes),
];

function on<Servers>(
  kinds: readonly ClientKind<Servers>[],
  servers: Shared<Servers>,
  nodesOf: (servers: Servers) => readonly RedisServer[],
): (typeof CLIENTS)[number][] {
  return kinds.map((kind) => ({
    name: kind.name,
    open: async () => kind.open(await servers.get()),
    nodes: async () => nodesOf(await servers.get()),
  }));
}

/** The package behind a kind of client, by its name: `node-redis 6 Cluster`. */
export function clientPackage(kind: string): { name: string; version: string } {
  const [, client = "", major = ""] = /(node-redis|ioredis) (\d)/.exec(kind) ?? [];
  const folder = `${client === "ioredis" ? client : "redis"}${major === "5" ? "5" : ""}`;
  return { name: kind.replace(` ${major}`, ""), version: installed(folder).version };
}
