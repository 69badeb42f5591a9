import Database from "better-sqlite3";
import { Store } from "express-session";

const DAY_MS = 86_400_000;

/** As apps open a file of sessions: a commit of a session does not wait for the disk. */
export function openSqlite(file) {
  const database = new Database(file, { timeout: 5_000 });
  database.prepare("PRAGMA journal_mode = WAL").all();
  database.exec("PRAGMA synchronous = NORMAL");
  return database;
}

/**
 * Sessions in SQLite, with as few steps as a store can have, so that nothing hides what a registry on the same engine costs. The
 * stores of the ecosystem cannot be the base: better-sqlite3-session-store is GPL, express-session-better-sqlite3 knows neither
 * touches nor expiry, connect-better-sqlite3 leaves touches unanswered, and connect-session-knex brings a query builder, behind
 * which the cost of a registry would be hard to see.
 */
export class SqliteStore extends Store {
  #statements;

  constructor(database) {
    super();
    database.exec(
      "CREATE TABLE IF NOT EXISTS sessions (sid TEXT PRIMARY KEY, expires INTEGER NOT NULL, data TEXT NOT NULL)",
    );
    const prepare = (sql) => database.prepare(sql);
    this.#statements = {
      get: prepare("SELECT data FROM sessions WHERE sid = ? AND expires > ?"),
      set: prepare("INSERT OR REPLACE INTO sessions VALUES (?, ?, ?)"),
      touch: prepare("UPDATE sessions SET expires = ? WHERE sid = ?"),
      destroy: prepare("DELETE FROM sessions WHERE sid = ?"),
      all: prepare("SELECT sid, data FROM sessions WHERE expires > ?"),
    };
  }

  get(sid, done) {
    answer(done, () => {
      const [row] = this.#statements.get.all(sid, Date.now());
      return row && JSON.parse(row.data);
    });
  }

  set(sid, session, done) {
    answer(done, () => {
      this.#statements.set.run(sid, expiryOf(session), JSON.stringify(session));
    });
  }

  touch(sid, session, done) {
    answer(done, () => {
      this.#statements.touch.run(expiryOf(session), sid);
    });
  }

  destroy(sid, done) {
    answer(done, () => {
      this.#statements.destroy.run(sid);
    });
  }

  all(done) {
    answer(done, () => {
      const rows = this.#statements.all.all(Date.now());
      return Object.fromEntries(rows.map(({ sid, data }) => [sid, JSON.parse(data)]));
    });
  }
}

function expiryOf({ cookie: { expires } }) {
  return expires ? +new Date(expires) : Date.now() + DAY_MS;
}

function answer(done, work) {
  let result;
  try {
    result = work();
  } catch (error) {
    return done?.(error);
  }
  done?.(null, result);
}
