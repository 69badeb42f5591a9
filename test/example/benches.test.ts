import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "@jest/globals";

const ROOT = join(__dirname, "../..");
const run = promisify(execFile);

/** The rows that a bench prints: as quick as it can be, since here it only has to work. */
async function rowsOf(bench: string, ...args: string[]): Promise<Record<string, unknown>[]> {
  const options = ["--quick", "--rounds", "1", "--json", ...args];
  const { stdout } = await run(process.execPath, [`bench/${bench}.mjs`, ...options], { cwd: ROOT });
  const lines = stdout.split("\n").filter((line) => line.startsWith("{"));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe("a bench", () => {
  it.each([
    ["request", "--arm", "express-logout", "--arm", "express-logout, SQLite"],
    ["latency", "--arm", "bare", "--arm", "express-logout"],
    ["kick"],
    ["scale"],
    ["live"],
    ["cluster"],
    ["cpu", "--arm", "express-logout", "--arm", "express-logout, SQLite"],
    ["logout-tokens"],
  ])(
    "of %s measures its subject",
    async (bench, ...args) => {
      const rows = await rowsOf(bench, ...args);
      expect(rows.length).toBeGreaterThan(0);
      expect(rows.every((row) => row["bench"] === bench)).toBe(true);
    },
    240_000,
  );
});
