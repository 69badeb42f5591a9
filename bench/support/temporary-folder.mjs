import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder for the files of a bench. */
export function temporaryFolder() {
  const path = mkdtempSync(join(tmpdir(), "express-logout-bench-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
