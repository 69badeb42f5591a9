import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";

/**
 * Checks a commit out into a temporary folder and builds it with the dependencies of this checkout, so that nothing but the
 * package's own code differs.
 */
export function buildCommit(commit) {
  const folder = mkdtempSync(join(tmpdir(), "express-logout-commit-"));
  const close = () => rmSync(folder, { recursive: true, force: true });
  try {
    const archive = execFileSync("git", ["archive", "--format=tar", `${commit}^{commit}`], { maxBuffer: 2 ** 28 });
    execFileSync("tar", ["-x", "-C", folder], { input: archive });
    symlinkSync(resolve("node_modules"), join(folder, "node_modules"));
    execFileSync(process.execPath, ["scripts/build.mjs"], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  } catch (error) {
    close();
    throw new Error(`The commit ${commit} cannot be built.`, { cause: error });
  }
  return { folder, close };
}
