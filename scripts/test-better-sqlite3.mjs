// The suites of SQLite on better-sqlite3 itself: `npm run test:better-sqlite3`. `npm test` runs them on libsql, which has its API and
// needs no compiler. This installs better-sqlite3 into a folder of its own, which may compile it for a minute or two.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { SQLITE_SUITES } from "./suites.mjs";

const PACKAGE = "better-sqlite3@12";
const folder = mkdtempSync(join(tmpdir(), "express-logout-better-sqlite3-"));
try {
  process.exitCode = install() && passes(join(folder, "node_modules/better-sqlite3")) ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function install() {
  console.log(`Installing ${PACKAGE} …`);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true }));
  const args = ["install", PACKAGE, "--no-audit", "--no-fund", "--no-save", "--loglevel", "error"];
  // The settings of `npm run` are those of this package, not of the folder.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("npm_")));
  const { status, error } = spawnSync("npm", args, { cwd: folder, env, stdio: "inherit" });
  if (status === 0) return true;
  const why = error === undefined ? "npm's error is above" : error.message;
  console.error(
    `${PACKAGE} cannot be installed: ${why}. Without a binary for this Node it is compiled, by python3, make and a C++ compiler. Debian: sudo apt-get install python3 make g++.`,
  );
  return false;
}

function passes(engine) {
  const env = { ...process.env, EXPRESS_LOGOUT_TEST_SQLITE: engine };
  const results = SQLITE_SUITES.map((args) => spawnSync(process.execPath, args, { env, stdio: "inherit" }));
  return results.every(({ status }) => status === 0);
}
