export { RedisLoginRegistry } from "./registry.js";
export type { RedisLoginRegistryOptions } from "./options.js";
export type { RedisClient } from "./clients/index.js";
