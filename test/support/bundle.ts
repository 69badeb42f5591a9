import { spawnSync } from "node:child_process";
import { join } from "node:path";

const ROOT = join(__dirname, "../..");
const REQUIRE =
  "--banner:js=import{createRequire as requireOfBundle}from'node:module';const require=requireOfBundle(import.meta.url);";

export interface BundleOptions {
  readonly format?: "cjs" | "esm";
  /** Further options of esbuild. */
  readonly more?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Bundles a program in TypeScript, which imports from the package's folder, into one file and runs it. */
export function runBundle(source: string, { format = "cjs", more = [], env = {} }: BundleOptions = {}) {
  const banner = format === "esm" ? [REQUIRE] : [];
  const options = ["--bundle", "--platform=node", "--loader=ts", "--log-level=error", `--format=${format}`];
  const esbuild = join(ROOT, "node_modules/esbuild/bin/esbuild");
  const bundle = run(esbuild, [...options, ...more, ...banner], source, {}).stdout;
  return run(process.execPath, [`--input-type=${format === "esm" ? "module" : "commonjs"}`, "-"], bundle, env);
}

function run(command: string, args: readonly string[], input: string, env: BundleOptions["env"]) {
  const options = { cwd: ROOT, input, encoding: "utf8", maxBuffer: 2 ** 26 } as const;
  const { status, stdout, stderr } = spawnSync(command, args, { ...options, env: { ...process.env, ...env } });
  if (status !== 0) throw new Error(stderr);
  return { stdout, stderr };
}
