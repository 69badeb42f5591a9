// Writes the table in docs/compatibility.md. `npm run docs:compatibility` runs the suites that report to it;
// `npm run docs:compatibility -- reports/tried` runs none, and takes the reports that the last whole `npm test` has left.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

const TABLE = "docs/compatibility.md";
/** The row of a framework says that all its integration tests have passed: so all of them run. */
const RUNS = [
  ["node_modules/jest/bin/jest.js", "--testPathPatterns", "test/(integration|field)/|registry/contract"],
  ["scripts/check-package.mjs"],
];

function run(args, env) {
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit", env: { ...process.env, ...env } });
  if (status === 0) return;
  console.error(`${args[0]} failed: ${TABLE} stays as it was.`);
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
  console.error(`No reports in ${given}: run the whole npm test first, or leave the folder out.`);
  process.exitCode = 2;
}
