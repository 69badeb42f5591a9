export { SqliteLoginRegistry, type SqliteLoginRegistryOptions } from "./registry.js";
export type { SqliteDatabase, SqliteStatement, SqliteValue } from "./engine.js";
