export { RedisLoginRegistry, type RedisLoginRegistryOptions } from "./registry.js";
export type { RedisClient } from "./clients/index.js";
