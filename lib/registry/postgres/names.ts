import { createHash } from "node:crypto";
import { LogoutError } from "../../errors.js";

/** PostgreSQL truncates names to 63 bytes, and 23 of them follow the prefix. */
const PREFIX = /^[A-Za-z_][A-Za-z0-9_]{0,39}$/;

const DEFAULT_PREFIX = "express_logout_";
/** A name in the SQL files. */
const DEFAULT_NAME = new RegExp(`(CREATE (?:UNIQUE )?INDEX )?\\b${DEFAULT_PREFIX}(\\w+)`, "g");

/** The names of the tables and functions of a registry. */
export interface PostgresNames {
  /** Schema of the tables and functions, which must exist. Default: the first schema of the `search_path`. */
  readonly schema?: string | undefined;
  /** Prefix of every name: a letter or `_`, then letters, digits or `_`, at most 40. Default: `"express_logout_"`. */
  readonly prefix?: string | undefined;
}

/** Quotes the names for SQL. */
export class Names {
  readonly #schema: string;
  readonly #prefix: string;

  /** @throws LogoutError `ERR_OPTION_INVALID` */
  constructor({ schema, prefix = DEFAULT_PREFIX }: PostgresNames) {
    if (schema !== undefined && !isIdentifier(schema)) {
      throw new LogoutError("ERR_OPTION_INVALID", "PostgresLoginRegistry: schema must be the name of a schema.");
    }
    if (typeof prefix !== "string" || !PREFIX.test(prefix)) {
      throw new LogoutError(
        "ERR_OPTION_INVALID",
        "PostgresLoginRegistry: prefix must be a letter or _, then letters, digits or _; at most 40 characters.",
      );
    }
    this.#schema = schema === undefined ? "" : `${quoted(schema)}.`;
    this.#prefix = prefix;
  }

  /** Returns the name of a table or function. */
  of(name: string): string {
    return `${this.#schema}${quoted(this.#prefix + name)}`;
  }

  /** Returns an SQL expression for the name of a table or function in the schema where `CREATE` puts it, as text. */
  created(name: string): string {
    const schema = this.#schema === "" ? "quote_ident(current_schema()) || '.'" : literal(this.#schema);
    return `${schema} || ${literal(quoted(this.#prefix + name))}`;
  }

  /**
   * Returns SQL with these names in the place of the default ones. The name of a new index has no schema, because an index is in
   * the schema of its table.
   */
  inSql(text: string): string {
    return text.replace(DEFAULT_NAME, (_match, newIndex: string | undefined, name: string) =>
      newIndex === undefined ? this.of(name) : newIndex + quoted(this.#prefix + name),
    );
  }

  /** Returns the notification channel of an application. Channels belong to the database, not to a schema. */
  channel(appId: string): string {
    return `${this.#prefix}${digest(this.#schema, appId).toString("hex").slice(0, 22)}`;
  }
}

export function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Returns a key of fixed size for texts of any size, because an index entry is limited to a third of a page. */
export function digest(...texts: readonly string[]): Buffer {
  return createHash("sha256").update(JSON.stringify(texts)).digest();
}

function isIdentifier(value: unknown): value is string {
  return typeof value === "string" && value !== "" && !value.includes("\0") && Buffer.byteLength(value) <= 63;
}
