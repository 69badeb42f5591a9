// Everything that has to hold before a change lands, in one command for people and CI. Stops at the first step that fails.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
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

const TABLE = "docs/compatibility.md";

const STEPS = [
  ["services", [node, "scripts/services.mjs"]],
  ["format", [node, bin("prettier/bin/prettier.cjs"), "--check", "--log-level", "warn", "."]],
  ["build", [node, "scripts/build.mjs"]],
  ["types, TypeScript 6", [node, bin("typescript/bin/tsc"), "-p", "tsconfig.json"]],
  ["types of the client", [node, bin("typescript/bin/tsc"), "-p", "lib/pages/client"]],
  ["types, TypeScript 7", [node, bin("typescript7/bin/tsc"), "-p", "tsconfig.json"]],
  ["lint", [node, bin("eslint/bin/eslint.js"), ".", "--max-warnings", "0"]],
  ["tests", [node, bin("jest/bin/jest.js"), ...selection]],
  // A run of some tests knows too little for the table.
  ...(selection.length === 0 ? [["table of what was tried", [node, "scripts/tried.mjs", tried, TABLE]]] : []),
  ["package", [node, "scripts/check-package.mjs"]],
];

for (const [name, [command, ...args]] of STEPS) {
  const began = Date.now();
  const { status } = spawnSync(command, args, {
    stdio: "inherit",
    env: { ...process.env, TRIED_FOLDER: tried },
  });
  const seconds = ((Date.now() - began) / 1000).toFixed(1);
  console.log(`${status === 0 ? "passed" : "FAILED"}  ${name}  (${seconds} s)\n`);
  if (status !== 0) process.exit(status ?? 1);
}
console.log(`${STEPS.length} passed, 0 failed`);
