export { PostgresLoginRegistry, type PostgresLoginRegistryOptions } from "./registry.js";
export type { PostgresNames } from "./names.js";
export type { PostgresClient, PostgresPool } from "./database.js";
