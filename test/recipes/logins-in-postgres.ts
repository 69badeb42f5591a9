import { PostgresLoginRegistry } from "express-logout/postgres";
import type { Pool } from "pg";

/** The list of logins in PostgreSQL. */
export async function loginsInPostgres(pool: Pool) {
  const registry = new PostgresLoginRegistry({ pool });
  await registry.migrate();
  return registry;
}
