import type { OwnConnection, RedisAdapter } from "./adapter.js";
import type { NodeRedisCommandOptions } from "./client.js";
import { commandOptions, ownClient, subscribe, type ServerClient } from "./node-redis.js";

/** What `createCluster()` of node-redis returns, as far as it is used here. */
export interface ClusterClient {
  readonly isOpen: boolean;
  sendCommand(
    firstKey: string,
    isReadonly: boolean,
    args: string[],
    options?: NodeRedisCommandOptions,
  ): Promise<unknown>;
  multi(): Pipeline;
  getRandomNode(): unknown;
  nodeClient(node: unknown): Promise<ServerClient>;
  duplicate(): ClusterClient;
  connect(): Promise<unknown>;
  on(event: "error" | "end", listener: () => void): unknown;
  destroy(): unknown;
}

interface Pipeline {
  addCommand(firstKey: string, isReadonly: boolean, args: string[]): Pipeline;
  execAsPipeline(): Promise<unknown[]>;
}

export function clusterAdapter(cluster: ClusterClient): RedisAdapter {
  return {
    isCluster: true,
    // Never as a read: that might be answered by a replica, which does not know of a kick yet.
    send: (key, args, signal) => cluster.sendCommand(key, false, [...args], commandOptions(signal)),
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
      // A pipeline follows no redirection, this does: afterwards the client knows whose the key is.
      await client.sendCommand(key, false, ["EXISTS", key], commandOptions());
      const pipeline = client.multi();
      for (const args of commands) pipeline.addCommand(key, false, [...args]);
      return pipeline.execAsPipeline();
    },
    close: () => own.close(),
  };
}
