import type { OwnConnection, RedisAdapter } from "./adapter.js";
import type { NodeRedisCommandOptions } from "./client.js";
import { commandOptions, inSequence, ownClient, subscribe, type ServerClient } from "./node-redis.js";

/** The members of a client from `createCluster()` of node-redis that are used here. */
export interface ClusterClient {
  readonly isOpen: boolean;
  sendCommand(
    firstKey: string,
    isReadonly: boolean,
    args: string[],
    options?: NodeRedisCommandOptions,
  ): Promise<unknown>;
  /** The nodes, by number of slot. */
  readonly slots: readonly { readonly master: unknown }[];
  getRandomNode(): unknown;
  nodeClient(node: unknown): ServerClient | Promise<ServerClient>;
  duplicate(): ClusterClient;
  connect(): Promise<unknown>;
  on(event: "error" | "end", listener: () => void): unknown;
  destroy(): unknown;
}

export function clusterAdapter(cluster: ClusterClient): RedisAdapter {
  return {
    isCluster: true,
    isInOrder: false,
    // Never as a read, which a replica might execute: replicas lag behind kicks.
    send: (key, args, signal) => cluster.sendCommand(key, false, [...args], commandOptions(signal)),
    // The nodes of a Cluster redirect to the new master.
    reconnect: () => undefined,
    ownConnection: () => ownConnection(cluster),
    // A Cluster forwards messages to every node, so one node is enough. Its client notices the loss of the node; the Cluster
    // client of node-redis 5 would wait forever.
    subscribe: (channels, listener) =>
      subscribe(async () => (await cluster.nodeClient(cluster.getRandomNode())).duplicate(), channels, listener),
  };
}

function ownConnection(cluster: ClusterClient): OwnConnection {
  const own = ownClient(() => Promise.resolve(cluster.duplicate()));
  return {
    sequence: async (key, commands) => {
      const client = await own.connected();
      // The client of one node follows no redirection. EXISTS on the Cluster client does, so `slots` is then current. A pipeline of
      // the Cluster client would fail as a whole if one command failed.
      const [slot] = await Promise.all([
        client.sendCommand(key, false, ["CLUSTER", "KEYSLOT", key], commandOptions()),
        client.sendCommand(key, false, ["EXISTS", key], commandOptions()),
      ]);
      const master = client.slots[Number(slot)]?.master;
      return inSequence(await client.nodeClient(master), commands);
    },
    close: () => own.close(),
  };
}
