import type { OwnConnection, RedisAdapter } from "./adapter.js";
import type { NodeRedisCommandOptions } from "./client.js";
import { commandOptions, inSequence, ownClient, subscribe, type ServerClient } from "./node-redis.js";

/** What `createCluster()` of node-redis returns, as far as it is used here. */
export interface ClusterClient {
  readonly isOpen: boolean;
  sendCommand(
    firstKey: string,
    isReadonly: boolean,
    args: string[],
    options?: NodeRedisCommandOptions,
  ): Promise<unknown>;
  /** By the number of a slot. */
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
    // Never as a read: that might be answered by a replica, which does not know of a kick yet.
    send: (key, args, signal) => cluster.sendCommand(key, false, [...args], commandOptions(signal)),
    // Its nodes say who the master is.
    reconnect: () => undefined,
    ownConnection: () => ownConnection(cluster),
    // A Cluster carries a message to every node. With a client of one node it is known when that is gone; the Cluster client
    // of node-redis 5 would wait for it for ever.
    subscribe: (channels, listener) =>
      subscribe(async () => (await cluster.nodeClient(cluster.getRandomNode())).duplicate(), channels, listener),
  };
}

function ownConnection(cluster: ClusterClient): OwnConnection {
  const own = ownClient(() => Promise.resolve(cluster.duplicate()));
  return {
    sequence: async (key, commands) => {
      const client = await own.connected();
      // The client of one node follows no redirection, this does: afterwards it is known whose the key is. A pipeline of the
      // Cluster's would fail as a whole where one command is refused.
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
