import { LogoutError } from "../../errors.js";
import type { Finding } from "../../types/health.js";
import { statement, type Database, type Statement } from "./database.js";
import { SCHEMA_VERSION } from "./migrations.js";
import type { Names } from "./names.js";
import type { Row } from "./records.js";

const OLDEST_VERSION = 120_000;
const TABLES = ["apps", "users", "logins", "kicked", "ended", "history", "bound", "key_marks"];

/** Checks the database of a registry. Never rejects. */
export async function checkDatabase(database: Database, names: Names, app: string): Promise<readonly Finding[]> {
  try {
    const [row = {}] = await database.read(settings(names));
    const users = row["missing"] === null ? await database.read(usersOf(names), app) : [];
    return [schema(), version(row), privileges(row), commit(row), recovery(row), size(row, users[0])];
  } catch (error) {
    const what = "PostgreSQL: settings";
    if (LogoutError.is(error, "ERR_REGISTRY_SCHEMA")) return [{ level: "error", what, why: error.message }];
    const why = LogoutError.is(error) ? (error.cause as Error | undefined)?.message : undefined;
    return [{ level: "unknown", what, why: `They could not be read: ${why ?? "see the log of PostgreSQL"}.` }];
  }
}

/** Every value as text, as in all reads. A table without a privilege is in `missing`. */
function settings(names: Names): Statement {
  const tables = TABLES.map((name) => `('${name}', to_regclass('${names.of(name).replaceAll("'", "''")}'))`);
  return statement(
    `SELECT current_setting('server_version') AS version, current_setting('server_version_num') AS number,
       current_setting('synchronous_commit') AS commit, current_setting('fsync') AS fsync,
       current_setting('default_transaction_isolation') AS isolation, pg_is_in_recovery()::text AS recovery,
       current_user::text AS role,
       (SELECT sum(pg_total_relation_size(oid))::text FROM (VALUES ${tables.join(", ")}) t(name, oid)) AS bytes,
       (SELECT string_agg(name, ', ') FROM (VALUES ${tables.join(", ")}) t(name, oid)
          WHERE NOT (has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')
            AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE'))) AS missing`,
  );
}

function usersOf(names: Names): Statement {
  return statement(`SELECT count(*)::text AS users FROM ${names.of("users")} WHERE app = $1 AND expires > now()`);
}

function schema(): Finding {
  const why = `The schema has what this release needs: version ${String(SCHEMA_VERSION)}.`;
  return { level: "ok", what: "PostgreSQL: schema", why };
}

function version(row: Row): Finding {
  const what = "PostgreSQL: version";
  const is = `PostgreSQL ${String(row["version"])}`;
  if (Number(row["number"]) >= OLDEST_VERSION) return { level: "ok", what, why: `${is}.` };
  return { level: "error", what, why: `It is ${is}, and 12 or later is needed.`, how: "Upgrade PostgreSQL." };
}

function privileges(row: Row): Finding {
  const what = "PostgreSQL: privileges";
  const { missing } = row as { missing: string | null };
  if (missing === null) return { level: "ok", what, why: "The role may read and write every table." };
  const why = `The role ${String(row["role"])} may not read and write these tables: ${missing}. Logins and kicks fail.`;
  return { level: "error", what, why, how: "Grant SELECT, INSERT, UPDATE and DELETE on the tables of the registry." };
}

/** Whether what has returned survives a crash of the server. */
function commit(row: Row): Finding {
  const what = "PostgreSQL: durability";
  if (row["fsync"] === "off") {
    const why = "fsync is off: a crash of the server may damage the database, and undo kicks.";
    return { level: "error", what, why, how: "Set fsync = on." };
  }
  const setting = String(row["commit"]);
  if (setting !== "off") return { level: "ok", what, why: `synchronous_commit is ${setting}.` };
  const why = "synchronous_commit is off: a crash of the server undoes the kicks of the last moment.";
  return { level: "warn", what, why, how: "Set synchronous_commit = on for the role of the pool." };
}

function recovery(row: Row): Finding {
  const what = "PostgreSQL: role";
  if (row["recovery"] === "true") {
    const why = "The pool is connected to a standby: logins and kicks fail.";
    return { level: "error", what, why, how: "Connect the pool to the primary." };
  }
  if (row["isolation"] === "read committed") return { level: "ok", what, why: "The primary, in READ COMMITTED." };
  const why = `default_transaction_isolation is ${String(row["isolation"])}, and READ COMMITTED is needed: logins and kicks fail.`;
  return { level: "error", what, why, how: "Reset default_transaction_isolation for the role of the pool." };
}

function size(row: Row, counted: Row | undefined): Finding {
  const users = counted === undefined ? undefined : Number(counted["users"]);
  const listed =
    users === undefined ? "" : `${users.toLocaleString("en")} ${users === 1 ? "user is" : "users are"} listed. `;
  const megabytes = (Number(row["bytes"]) / 1_000_000).toLocaleString("en", { maximumFractionDigits: 1 });
  return { level: "ok", what: "PostgreSQL: size", why: `${listed}The tables have ${megabytes} MB.` };
}
