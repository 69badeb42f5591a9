/** A client for `RedisLoginRegistry`. Structural types, so that this package imports no client. */
export type RedisClient = NodeRedisClient | NodeRedisCluster | NodeRedisSentinel | IoRedisClient;

/** A client from `createClient()` or `createClientPool()` of node-redis 5 or 6. */
export interface NodeRedisClient {
  sendCommand(args: string[], options?: NodeRedisCommandOptions): Promise<unknown>;
}

/** A client from `createCluster()` of node-redis 5 or 6. */
export interface NodeRedisCluster {
  sendCommand(
    firstKey: string | undefined,
    isReadonly: boolean | undefined,
    args: string[],
    options?: NodeRedisCommandOptions,
  ): Promise<unknown>;
}

/** A client from `createSentinel()` of node-redis 5 or 6. */
export interface NodeRedisSentinel {
  sendCommand(isReadonly: boolean | undefined, args: string[], options?: NodeRedisCommandOptions): Promise<unknown>;
}

/** A client from `new Redis()` (also with `sentinels`) or `new Cluster()` of ioredis 5 or 6. */
export interface IoRedisClient {
  readonly status: string;
  call(command: string, ...args: string[]): Promise<unknown>;
}

export interface NodeRedisCommandOptions {
  abortSignal?: AbortSignal;
  typeMapping?: object;
  timeout?: number;
}
