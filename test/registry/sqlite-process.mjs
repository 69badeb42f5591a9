// A process with a SqliteLoginRegistry, which does what its parent asks. It ends itself by SIGKILL before the statement with the
// number KILL_AT, if that is set. Reads do not count: what happens before one happens before the next write, too.
import { createRequire } from "node:module";
import process from "node:process";
import { SqliteLoginRegistry } from "../../dist/esm/registry/sqlite/index.js";

const {
  FILE,
  KILL_AT = "0",
  TIMEOUT_MS = "60000",
  EXPRESS_LOGOUT_TEST_SQLITE: ENGINE = "better-sqlite3",
} = process.env;
const Database =
  ENGINE === "node" ? process.getBuiltinModule("node:sqlite").DatabaseSync : createRequire(import.meta.url)(ENGINE);
let statements = 0;

function counted(run) {
  return (...values) => {
    statements += 1;
    if (statements === Number(KILL_AT)) process.kill(process.pid, "SIGKILL");
    return run(...values);
  };
}

function open() {
  const database = new Database(FILE);
  return {
    exec: counted((sql) => database.exec(sql)),
    prepare: (sql) => {
      const statement = database.prepare(sql);
      return {
        run: counted((...values) => statement.run(...values)),
        get: (...values) => statement.get(...values),
        all: (...values) => statement.all(...values),
      };
    },
    close: () => database.close(),
  };
}

const registry = new SqliteLoginRegistry({ database: open, timeoutMs: Number(TIMEOUT_MS) });
registry.init({ appId: "shop", maxSessionAgeMs: 3_600_000 });

const METHODS = {
  statements: async () => statements,
  scan: async () => {
    const found = [];
    for await (const userIds of registry.scanUsers()) found.push(...userIds);
    return found;
  },
};

process.on("message", async ({ id, method, args }) => {
  try {
    const result = await (METHODS[method] ?? registry[method].bind(registry))(...args);
    process.send({ id, result });
  } catch ({ code, message }) {
    process.send({ id, error: { code, message } });
  }
});
