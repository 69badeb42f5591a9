// Reports a row of the table in docs/compatibility.md, for scripts; suites use test/support/tried.ts.
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

export function report(row) {
  const folder = process.env.TRIED_FOLDER;
  if (folder === undefined) return;
  const text = JSON.stringify(row);
  writeFileSync(join(folder, `${createHash("sha256").update(text).digest("hex")}.json`), text);
}
