import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A row of the table in `docs/compatibility.md`. Rows of one thing in one version become one row. */
export interface Tried {
  readonly kind:
    | "framework"
    | "middleware"
    | "field"
    | "bundler"
    | "server"
    | "store"
    | "registry"
    | "client"
    | "topology"
    | "recipe";
  readonly name: string;
  readonly version: string;
  /** The parts that were tried with this version. */
  readonly what: readonly string[];
}

/**
 * Reports what a suite has tried, in its `afterAll`. `npm run docs:compatibility` writes the table of the reports. A run of
 * some suites has no folder for them, and reports nothing.
 */
export function tried(row: Tried): void {
  const folder = process.env["TRIED_FOLDER"];
  if (folder === undefined) return;
  const text = JSON.stringify(row);
  writeFileSync(join(folder, `${createHash("sha256").update(text).digest("hex")}.json`), text);
}

/** The real name and the version of a package that is installed, also under another name. */
export function installed(folder: string): { name: string; version: string } {
  const path = join(__dirname, "../../node_modules", folder, "package.json");
  const { name, version } = JSON.parse(readFileSync(path, "utf8")) as { name: string; version: string };
  return { name, version };
}

/** The version of a server's program without what mends it: that differs from one machine's packages to the next. */
export function serverVersion(program: string): string {
  const { stdout } = spawnSync(program, ["--version"], { encoding: "utf8" });
  // PostgreSQL counts its releases by one number.
  const version = (stdout.includes("PostgreSQL") ? /\d+/ : /\d+\.\d+/).exec(stdout)?.[0];
  if (version === undefined) throw new Error(`${program} --version prints no version`);
  return version;
}
