// Writes the table in docs/compatibility.md. `npm run docs:compatibility` runs the suites that report rows;
// `npm run docs:compatibility -- reports/tried` runs no suite and uses the reports of the last complete `npm test`.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

const TABLE = "docs/compatibility.md";
/** All integration tests run, because the row of a framework means that all of them have passed. */
const RUNS = [
  ["node_modules/jest/bin/jest.js", "--testPathPatterns", "test/(integration|field)/|registry/contract"],
  ["scripts/check-package.mjs"],
];

function run(args, env) {
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit", env: { ...process.env, ...env } });
  if (status === 0) return;
  console.error(`${args[0]} failed. ${TABLE} is unchanged.`);
  process.exit(status ?? 1);
}

const given = process.argv[2];
if (given === undefined) {
  const folder = mkdtempSync(join(tmpdir(), "express-logout-tried-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  for (const args of RUNS) run(args, { TRIED_FOLDER: folder });
  run(["scripts/tried.mjs", folder, TABLE]);
} else if (existsSync(given) && readdirSync(given).length > 0) {
  run(["scripts/tried.mjs", given, TABLE]);
} else {
  console.error(`No reports in ${given}. Run a complete npm test first, or omit the folder.`);
  process.exitCode = 2;
}
