// The package as its users get it: packed, looked at by publint and attw, installed from the tarball into a project of its
// own, and used there from ESM, from CommonJS and from TypeScript, the snippets of the README among it.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";

const own = JSON.parse(readFileSync("package.json", "utf8"));
const folder = mkdtempSync(join(tmpdir(), "express-logout-package-"));
const run = (command, args, cwd = process.cwd()) =>
  execFileSync(command, args, { cwd, stdio: ["ignore", "pipe", "inherit"], encoding: "utf8" });
const node = (script, ...args) => run(process.execPath, [script, ...args]);
const version = (name) => `${name}@${own.devDependencies[name]}`;

/** The TypeScript of the README, a file a snippet. */
function readmeSnippets() {
  const markdown = readFileSync("README.md", "utf8");
  return [...markdown.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code);
}

/** The files of this project that the README leads to, or shows. */
function readmeLinks() {
  const links = readFileSync("README.md", "utf8").matchAll(/(?:\]\(|src="|srcset=")([^)"#:]+)[^)":]*[)"]/g);
  return [...links].map(([, path]) => path);
}

try {
  const [{ filename, files }] = JSON.parse(run("npm", ["pack", "--json", "--pack-destination", folder]));
  const tarball = join(folder, filename);
  const paths = files.map(({ path }) => path);
  const strays = paths.filter(
    (path) =>
      !/^(dist\/(esm|cjs)\/|docs\/|(README|CHANGELOG|CONTRIBUTING|SECURITY)\.md$|LICENSE$|package\.json$)/.test(path),
  );
  if (strays.length > 0) throw new Error(`The tarball holds what it should not: ${strays.join(", ")}`);
  const missing = readmeLinks().filter((path) => !paths.includes(path));
  if (missing.length > 0) throw new Error(`The README leads to what the tarball does not hold: ${missing.join(", ")}`);

  node("node_modules/publint/src/cli.js", tarball, "--strict");
  node("node_modules/@arethetypeswrong/cli/dist/index.js", tarball, "--profile", "node16", "--format", "ascii");

  const consumer = join(folder, "consumer");
  mkdirSync(consumer);
  writeFileSync(join(consumer, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }));
  const peers = ["express", "express-session", "connect-redis", "ioredis", "pg", "redis", "passport"].map(version);
  const types = [
    "typescript",
    "@types/node",
    "@types/express",
    "@types/express-session",
    "@types/passport",
    "@types/pg",
  ].map(version);
  run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", tarball, ...peers, ...types], consumer);
  cpSync("test/package", consumer, { recursive: true });

  for (const script of ["esm.mjs", "cjs.cjs"]) console.log(run(process.execPath, [script], consumer).trim());

  const snippets = readmeSnippets();
  snippets.forEach((code, index) => writeFileSync(join(consumer, `readme-${index + 1}.ts`), code));
  const tsc = resolve(consumer, "node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [tsc, "-p", "."], { cwd: consumer, stdio: "inherit" });
  console.log(`TypeScript: the consumer and ${snippets.length} snippets of the README compile`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
