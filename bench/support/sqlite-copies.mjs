/**
 * Copies of one login that the package itself has made, in the package's present tables. The copies' users are `name-0`, `name-1`, …
 */
export class SqliteCopies {
  #database;
  #original;
  #inserts;

  /** @param original - `{ userId, loginId, sid }` of a login that is listed, the only one of its user */
  constructor(database, original) {
    this.#database = database;
    this.#original = original;
    this.#inserts = tablesOf(database).flatMap((table) => insertsOf(database, table, original));
    if (this.#inserts.length < 2) throw new Error("The login that is to be copied is not in the tables.");
  }

  /** So many users, each with so many logins. @returns the session id of a copy by its number */
  write({ name, users, logins = 1 }) {
    const { userId, loginId, sid } = this.#original;
    const id = (number, { length }) => `${name}-${number}-`.padEnd(length, "x");
    this.#database.exec("BEGIN IMMEDIATE");
    for (let number = 0; number < users * logins; number += 1) {
      const ids = [
        [userId, `${name}-${Math.floor(number / logins)}`],
        [loginId, id(number, loginId)],
        [sid, id(number, sid)],
      ];
      const fill = (value) =>
        typeof value === "string" ? ids.reduce((text, [from, to]) => text.replaceAll(from, to), value) : value;
      for (const { statement, values } of this.#inserts) statement.run(...values.map(fill));
    }
    this.#database.exec("COMMIT");
    return (number) => id(number, sid);
  }
}

function tablesOf(database) {
  const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'");
  return tables.all().map(({ name }) => name);
}

/** What puts the rows of the original into a table once more. */
function insertsOf(database, table, { userId, loginId, sid }) {
  const isOfOriginal = (value) => [userId, loginId, sid].some((id) => String(value).includes(id));
  const rows = database.prepare(`SELECT * FROM ${table}`).all().map(Object.values);
  return rows
    .filter((values) => values.some(isOfOriginal))
    .map((values) => ({
      // The second login of a user has the same row of the user.
      statement: database.prepare(`INSERT OR REPLACE INTO ${table} VALUES (${values.map(() => "?").join(", ")})`),
      values,
    }));
}
