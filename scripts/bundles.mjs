// The consumer as a server in one file, as for a container or a function: made by each bundler, and run.
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import commonjs from "@rollup/plugin-commonjs";
import json from "@rollup/plugin-json";
import nodeResolve from "@rollup/plugin-node-resolve";
import esbuild from "esbuild";
import { rollup } from "rollup";
import webpack from "webpack";
import { inMemory, withRedis } from "./consumer.mjs";
import { report } from "./report.mjs";

const execute = promisify(execFile);
const ENTRY = "esm.mjs";

/** Dependencies in CommonJS call `require`, which modules have not. */
const REQUIRE = 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);';

const byEsbuild =
  ({ format, minify }) =>
  (folder, outfile) =>
    esbuild.build({
      absWorkingDir: folder,
      entryPoints: [ENTRY],
      outfile,
      bundle: true,
      platform: "node",
      format,
      minify,
      banner: format === "esm" ? { js: REQUIRE } : {},
      logLevel: "error",
    });

async function byWebpack(folder, outfile) {
  const compiler = webpack({
    mode: "production",
    target: "node",
    context: folder,
    entry: `./${ENTRY}`,
    output: { path: folder, filename: outfile },
  });
  const stats = await promisify(compiler.run.bind(compiler))();
  await promisify(compiler.close.bind(compiler))();
  if (stats.hasErrors()) throw new Error(stats.toString("errors-only"));
}

async function byRollup(folder, outfile) {
  const bundle = await rollup({
    input: join(folder, ENTRY),
    plugins: [nodeResolve({ preferBuiltins: true, exportConditions: ["node"] }), commonjs(), json()],
    // Circles and `this` at the top are those of dependencies.
    logLevel: "silent",
  });
  await bundle.write({ file: join(folder, outfile), format: "esm" });
  await bundle.close();
}

const BUNDLES = [
  ["esbuild", "cjs", "CommonJS", byEsbuild({ format: "cjs", minify: false })],
  ["esbuild", "cjs", "minified CommonJS", byEsbuild({ format: "cjs", minify: true })],
  ["esbuild", "mjs", "ESM", byEsbuild({ format: "esm", minify: false })],
  ["esbuild", "mjs", "minified ESM", byEsbuild({ format: "esm", minify: true })],
  ["webpack", "cjs", "production mode", byWebpack],
  ["rollup", "mjs", "ESM", byRollup],
];

/** The error alone: before it, Node shows the line of a bundle, which may hold all of it. */
const reasonOf = ({ stderr, message }) => /^[\w$]+( \[\w+\])?: .*$/m.exec(stderr)?.[0] ?? message;

const versionOf = (name) => createRequire(import.meta.url)(`${name}/package.json`).version;

/**
 * Bundles the consumer in this folder in every way, and runs each bundle on memory, SQLite and Redis.
 * @returns what has failed, with the error.
 */
export function tryBundles(folder) {
  return withRedis(async (url) => {
    const failures = [];
    for (const [position, [bundler, extension, how, bundle]] of BUNDLES.entries()) {
      const outfile = `bundle-${position}.${extension}`;
      const runs = { memory: {}, SQLite: { LOGINS: "logins.db" }, Redis: { REDIS_URL: url } };
      try {
        await bundle(folder, outfile);
      } catch (error) {
        failures.push(`${bundler}, ${how}: ${error.message}`);
        continue;
      }
      for (const [place, more] of Object.entries(runs)) {
        try {
          await execute(process.execPath, [outfile], { cwd: folder, env: { ...inMemory, ...more }, timeout: 60_000 });
          report({ kind: "bundler", name: bundler, version: versionOf(bundler), what: [how] });
        } catch (error) {
          failures.push(`${bundler}, ${how}, ${place}: ${reasonOf(error)}`);
        }
      }
    }
    return { tried: BUNDLES.length, failures };
  });
}
