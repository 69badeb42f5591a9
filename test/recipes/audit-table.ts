import type { AuditEntry } from "express-logout";
import type { Pool } from "pg";

/** Run once, as a migration. */
export const AUDIT_TABLE = `
  CREATE TABLE audit_log (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    action text NOT NULL,
    user_id text,
    entry jsonb NOT NULL
  );
  CREATE INDEX audit_log_user ON audit_log (user_id, at);`;

/** Writes each entry as a row. A kick waits for it. */
export function auditToTable(pool: Pool): (entry: AuditEntry) => Promise<void> {
  return async (entry) => {
    const { at, action, userId = null } = entry;
    const row = [at, action, userId, JSON.stringify(entry)];
    await pool.query("INSERT INTO audit_log (at, action, user_id, entry) VALUES ($1, $2, $3, $4)", row);
  };
}
