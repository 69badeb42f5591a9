import { LogoutError } from "../../errors.js";
import type { PostgresClient } from "./database.js";
import { codeOf } from "./errors.js";
import { SCHEMA_VERSION } from "./migrations.js";
import type { Names } from "./names.js";

const NO_FUNCTION = "42883";
const NO_SCHEMA = "3F000";

/** The SQLSTATEs of a missing table, function, schema or column. */
export const WRONG_SCHEMA = ["42P01", NO_FUNCTION, NO_SCHEMA, "42703"];

const RUN_MIGRATION = "Run registry.migrate(), or the SQL of migration().";
const MESSAGES: Readonly<Record<string, string>> = {
  [NO_FUNCTION]: `Login registry: tables missing or from 0.1. ${RUN_MIGRATION}`,
  [NO_SCHEMA]: `Login registry: schema missing. Create it first. ${RUN_MIGRATION}`,
};

/** @throws LogoutError `ERR_REGISTRY_SCHEMA` if this release cannot use the schema. */
export async function checkSchema(client: PostgresClient, names: Names): Promise<void> {
  const { version, serves } = await readVersions(client, names);
  const needed = String(SCHEMA_VERSION);
  if (version < SCHEMA_VERSION) {
    throw schemaError(`Login registry: schema ${String(version)} is too old, ${needed} is needed. ${RUN_MIGRATION}`);
  }
  if (serves > SCHEMA_VERSION) {
    throw schemaError(
      `Login registry: schema ${String(version)} is too new for this release, which needs ${needed}. Upgrade express-logout.`,
    );
  }
}

/** Reads the version of the schema, and the oldest version whose processes can use it. */
async function readVersions(client: PostgresClient, names: Names): Promise<{ version: number; serves: number }> {
  const text = `SELECT version::text, serves::text FROM ${names.of("schema")}()`;
  try {
    const [row] = (await client.query({ text })).rows;
    return { version: Number(row?.["version"]), serves: Number(row?.["serves"]) };
  } catch (error) {
    const message = MESSAGES[codeOf(error) ?? ""];
    throw message === undefined ? error : schemaError(message);
  }
}

function schemaError(message: string): LogoutError {
  return new LogoutError("ERR_REGISTRY_SCHEMA", message);
}
