export { SqliteLoginRegistry, type SqliteLoginRegistryOptions } from "./registry.js";
export type { SqliteDatabase, SqliteStatement } from "./engine.js";
