import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SqliteLoginRegistry } from "../../lib/registry/sqlite/index.js";
import { openFile } from "../support/sqlite-engine.js";

const TABLES = ["apps", "users", "logins", "kicked", "ended", "ends"];

/** A real SQLite file for one history after another. Each node has a connection of its own, as a process has. */
export class HistorySqlite {
  readonly #folder = mkdtempSync(join(tmpdir(), "express-logout-histories-"));
  readonly #file = join(this.#folder, "logins.db");
  readonly #database = openFile(this.#file);
  /** The registries of the history that runs, and those that are free for the next one: opening a file takes its time. */
  readonly #used: SqliteLoginRegistry[] = [];
  readonly #free: SqliteLoginRegistry[] = [];

  registry(): SqliteLoginRegistry {
    const registry = this.#free.pop() ?? new SqliteLoginRegistry({ database: this.#file });
    this.#used.push(registry);
    return registry;
  }

  /** Removes every row. */
  reset(): void {
    this.#free.push(...this.#used.splice(0));
    const found = this.#database.prepare("SELECT name FROM sqlite_master WHERE name = 'express_logout_logins'").all();
    if (found.length === 0) return;
    this.#database.exec(
      ["BEGIN", ...TABLES.map((table) => `DELETE FROM express_logout_${table}`), "COMMIT"].join(";\n"),
    );
  }

  async stop(): Promise<void> {
    for (const registry of [...this.#used, ...this.#free]) await registry.close();
    this.#database.close();
    rmSync(this.#folder, { recursive: true });
  }
}
