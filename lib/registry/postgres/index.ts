export { PostgresLoginRegistry } from "./registry.js";
export type { PostgresLoginRegistryOptions } from "./options.js";
export type { PostgresNames } from "./names.js";
export type { PostgresClient, PostgresPool } from "./database.js";
