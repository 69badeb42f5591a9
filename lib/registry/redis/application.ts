import type { RegistryApplication } from "../../types/registry.js";
import type { Commands, Connection } from "./connection.js";
import type { AppKeys } from "./keys.js";
import { LoginEnds } from "./login-ends.js";
import { LoginIndex } from "./login-index.js";
import { LoginLister } from "./login-lister.js";
import { LoginLists } from "./login-lists.js";
import { NotificationChannel } from "./notification-channel.js";
import { ShardCount } from "./shard-count.js";

/** The parts that serve one application. */
export interface Application {
  readonly appId: string;
  readonly maxSessionAgeMs: number;
  readonly keys: AppKeys;
  readonly history: RegistryApplication["history"];
  readonly shardCount: ShardCount;
  readonly index: LoginIndex;
  readonly lists: LoginLists;
  readonly lister: LoginLister;
  readonly ends: LoginEnds;
  readonly channel: NotificationChannel;
}

export interface ApplicationOptions {
  readonly application: RegistryApplication;
  readonly connection: Connection;
  /** Commands that wait for replicas. */
  readonly replicated: Commands;
  readonly keys: AppKeys;
  readonly isCluster: boolean;
  /** Whether the prefix has a hash tag, which puts all keys in one slot. */
  readonly hasTag: boolean;
  readonly indexShards: number | undefined;
}

export function openApplication(options: ApplicationOptions): Application {
  const { connection, replicated, keys, isCluster, hasTag } = options;
  const { appId, history } = options.application;
  // Redis accepts whole milliseconds only.
  const maxSessionAgeMs = Math.ceil(options.application.maxSessionAgeMs);
  const shardCount = new ShardCount({
    connection,
    replicated,
    keys,
    isCluster: isCluster && !hasTag,
    configured: options.indexShards,
  });
  const index = new LoginIndex(connection, keys, shardCount);
  const channel = new NotificationChannel(connection, keys.notifications, !isCluster);
  const ends = new LoginEnds({ connection, keys, index, channel, maxSessionAgeMs });
  const lists = new LoginLists(connection, keys, index);
  const lister = new LoginLister({ connection, keys, index, ends, channel });
  return { appId, maxSessionAgeMs, keys, history, shardCount, index, lists, lister, ends, channel };
}
