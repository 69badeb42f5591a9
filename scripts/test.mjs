// Everything that has to hold before a change lands, in one command for people and CI. Stops at the first stage that fails.
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

const node = process.execPath;
const bin = (name) => `node_modules/${name}`;
const selection = process.argv.slice(2);
const tried = mkdtempSync(join(tmpdir(), "express-logout-tried-"));
process.on("exit", () => {
  rmSync(tried, { recursive: true, force: true });
});

/** Where a whole run leaves its reports, for `npm run docs:compatibility`. Git ignores the folder. */
const REPORTS = "reports/tried";

/** Warnings that hundreds of tests cause on purpose; in the output they would hide the failures. Node has the flag since 20.11. */
const EXPECTED_WARNINGS = ["EXPRESS_LOGOUT_MEMORY_REGISTRY", "EXPRESS_LOGOUT_NO_USER_ID"];
const quiet = process.allowedNodeEnvironmentFlags.has("--disable-warning")
  ? EXPECTED_WARNINGS.map((code) => `--disable-warning=${code}`)
  : [];

/** The steps of one stage run at the same time. */
const STAGES = [
  [["services", [node, "scripts/services.mjs"]]],
  [["build", [node, "scripts/build.mjs"]]],
  [
    ["lint", [node, bin("eslint/bin/eslint.js"), ".", "--max-warnings", "0"]],
    ["types, TypeScript 6", [node, bin("typescript/bin/tsc"), "-p", "tsconfig.json"]],
    ["types, TypeScript 7", [node, bin("typescript7/bin/tsc"), "-p", "tsconfig.json"]],
    ["types of the browser script", [node, bin("typescript/bin/tsc"), "-p", "lib/pages/browser"]],
    ["format", [node, bin("prettier/bin/prettier.cjs"), "--check", "--log-level", "warn", "."]],
  ],
  [["tests", [node, ...quiet, bin("jest/bin/jest.js"), ...selection]]],
  [["package", [node, "scripts/check-package.mjs"]]],
];

/** What steps that run at the same time print is shown when each has ended. */
async function run([name, [command, ...args]], isAlone) {
  const began = Date.now();
  const child = spawn(command, args, {
    stdio: isAlone ? "inherit" : ["ignore", "pipe", "pipe"],
    env: { ...process.env, TRIED_FOLDER: tried },
  });
  const printed = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => printed.push(chunk));
  const status = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  process.stdout.write(Buffer.concat(printed));
  const seconds = ((Date.now() - began) / 1000).toFixed(1);
  console.log(`${status === 0 ? "passed" : "FAILED"}  ${name}  (${seconds} s)\n`);
  return status === 0;
}

for (const stage of STAGES) {
  const passed = await Promise.all(stage.map((step) => run(step, stage.length === 1)));
  if (passed.includes(false)) process.exit(1);
}
// The reports of a run of some tests are too few for the table.
if (selection.length === 0) {
  rmSync(REPORTS, { recursive: true, force: true });
  cpSync(tried, REPORTS, { recursive: true });
}
console.log(`${STAGES.flat().length} passed, 0 failed`);
