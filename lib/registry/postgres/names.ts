import { createHash } from "node:crypto";
import { LogoutError } from "../../errors.js";

/** PostgreSQL cuts names at 63 bytes: what follows the prefix has 23. */
const PREFIX = /^[A-Za-z_][A-Za-z0-9_]{0,39}$/;

/** Where the tables and functions of a registry are. */
export interface PostgresNames {
  /** The schema, which must exist. Default: the first of the `search_path`. */
  readonly schema?: string | undefined;
  /** What every name begins with: a letter, then letters, digits or `_`, 40 at most. Default: `"express_logout_"`. */
  readonly prefix?: string | undefined;
}

/** Names as they stand in SQL. */
export class Names {
  readonly #schema: string;
  readonly #prefix: string;

  /** @throws LogoutError `ERR_OPTION_INVALID` */
  constructor({ schema, prefix = "express_logout_" }: PostgresNames) {
    if (schema !== undefined && !isIdentifier(schema)) {
      throw new LogoutError("ERR_OPTION_INVALID", "PostgresLoginRegistry: schema must be the name of a schema.");
    }
    if (typeof prefix !== "string" || !PREFIX.test(prefix)) {
      throw new LogoutError(
        "ERR_OPTION_INVALID",
        "PostgresLoginRegistry: prefix must be a letter, then letters, digits or _, at most 40 of them.",
      );
    }
    this.#schema = schema === undefined ? "" : `${quoted(schema)}.`;
    this.#prefix = prefix;
  }

  /** A table or a function. */
  of(name: string): string {
    return `${this.#schema}${quoted(this.#prefix + name)}`;
  }

  /** An index, unquoted: it lives where its table does. */
  index(name: string): string {
    return this.#prefix + name;
  }

  /** Where the ends of an application's logins are announced. Channels belong to the database, not to a schema. */
  channel(appId: string): string {
    return `${this.#prefix}${digest(this.#schema, appId).toString("hex").slice(0, 22)}`;
  }
}

export function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

/** A key of one size for texts of any: an index takes no more than a third of a page. */
export function digest(...texts: readonly string[]): Buffer {
  return createHash("sha256").update(JSON.stringify(texts)).digest();
}

function isIdentifier(value: unknown): value is string {
  return typeof value === "string" && value !== "" && !value.includes("\0") && Buffer.byteLength(value) <= 63;
}
