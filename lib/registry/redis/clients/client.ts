/**
 * What may be passed to `RedisLoginRegistry`. Clients are described by their shape, so that this package imports none, and no
 * version's types.
 */
export type RedisClient = NodeRedisClient | NodeRedisCluster | NodeRedisSentinel | IoRedisClient;

/** What `createClient()` and `createClientPool()` of node-redis 5 and 6 return. */
export interface NodeRedisClient {
  sendCommand(args: string[], options?: NodeRedisCommandOptions): Promise<unknown>;
}

/** What `createCluster()` of node-redis 5 and 6 returns. */
export interface NodeRedisCluster {
  sendCommand(
    firstKey: string | undefined,
    isReadonly: boolean | undefined,
    args: string[],
    options?: NodeRedisCommandOptions,
  ): Promise<unknown>;
}

/** What `createSentinel()` of node-redis 5 and 6 returns. */
export interface NodeRedisSentinel {
  sendCommand(isReadonly: boolean | undefined, args: string[], options?: NodeRedisCommandOptions): Promise<unknown>;
}

/** What `new Redis()` (also with `sentinels`) and `new Cluster()` of ioredis 5 and 6 make. */
export interface IoRedisClient {
  readonly status: string;
  call(command: string, ...args: string[]): Promise<unknown>;
}

export interface NodeRedisCommandOptions {
  abortSignal?: AbortSignal;
  typeMapping?: object;
  timeout?: number;
}
