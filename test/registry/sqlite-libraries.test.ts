import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";

const REGISTRY = pathToFileURL(join(__dirname, "../../dist/esm/registry/sqlite/index.js"));
/** As on a Node without `node:sqlite`. */
const WITHOUT_BUILT_IN = process.getBuiltinModule("node:sqlite") === undefined ? [] : ["--no-experimental-sqlite"];

const APP = `
import { SqliteLoginRegistry } from "${REGISTRY.href}";
try {
  const registry = new SqliteLoginRegistry({ database: "logins.db" });
  registry.init({ appId: "shop", maxSessionAgeMs: 1_000 });
  const found = await registry.find("alice", "login");
  console.log(JSON.stringify({ found: found ?? null }));
} catch ({ code, message, cause }) {
  console.log(JSON.stringify({ code, message, cause: cause?.message }));
}
`;

/** The folder of an app, in which no package is found but its own. */
let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "express-logout-libraries-")));
  writeFileSync(join(folder, "app.mjs"), APP);
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function run(): unknown {
  return JSON.parse(
    execFileSync(process.execPath, [...WITHOUT_BUILT_IN, "app.mjs"], { cwd: folder, encoding: "utf8" }),
  );
}

/** Installs a package without its compiled part, as after `npm install --ignore-scripts`. */
function installUnbuilt(name: string): void {
  mkdirSync(join(folder, "node_modules", name), { recursive: true });
  const source =
    'module.exports = class { constructor() { throw new Error("Could not locate the bindings file."); } };';
  writeFileSync(join(folder, "node_modules", name, "index.js"), source);
}

describe("an app that names a file", () => {
  it("and has no library to open it gets an error that names all three", () => {
    expect(run()).toEqual({
      code: "ERR_OPTION_INVALID",
      message:
        "SqliteLoginRegistry: nothing can open a file. Use Node 22.13 or later, or install better-sqlite3 or libsql.",
    });
  });

  it("and whose only library is not built gets an error that names it, with the cause", () => {
    installUnbuilt("better-sqlite3");
    expect(run()).toEqual({
      code: "ERR_OPTION_INVALID",
      message:
        "SqliteLoginRegistry: better-sqlite3 is installed and does not load. Run npm rebuild better-sqlite3. See the cause.",
      cause: "Could not locate the bindings file.",
    });
  });

  it("and has one that is not built and one that is gets the latter", () => {
    installUnbuilt("better-sqlite3");
    // The tests install libsql by the other name.
    const libsql = dirname(require.resolve("better-sqlite3"));
    symlinkSync(libsql, join(folder, "node_modules/libsql"));
    expect(run()).toEqual({ found: null });
  });
});
