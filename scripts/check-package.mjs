// The package as its users get it: packed, looked at by publint and attw, installed from the tarball into projects of its
// own, and used there from ESM, CommonJS, TypeScript and bundles, together with the snippets of the README and the reference.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { tryBundles } from "./bundles.mjs";
import { tryQuickStart } from "./quick-start.mjs";
import { asInTests, inMemory, LIBSQL, makeConsumer, pack, run, withRedis } from "./consumer.mjs";

const folder = mkdtempSync(join(tmpdir(), "express-logout-package-"));
const node = (script, ...args) => run(process.execPath, [script, ...args]);

const PACKAGES = [
  ...["@opentelemetry/api", "connect-redis", "express", "express-session", "ioredis", "jose"].map(asInTests),
  ...["passport", "pg", "redis"].map(asInTests),
  LIBSQL,
];
const TYPES = [
  ...["express", "express-session", "passport", "pg"].map((name) => asInTests(`@types/${name}`)),
  // The types of Node 20 have no node:sqlite.
  ...["@types/node@24.19.4", "@types/better-sqlite3@9.6.0"],
];
/** The last TypeScript whose default is the classic resolution of modules. */
const TYPESCRIPT_5 = "typescript5@npm:typescript@5.9.3";
/** The lowest versions that the peer ranges allow. */
const OLDEST = [
  ...["express@4.16.0", "express-session@1.16.0", "redis@5.0.0", "@opentelemetry/api@1.3.0", "jose@6.0.0"],
  ...[asInTests("connect-redis"), LIBSQL],
];

/** Where every snippet is a whole file. Code that needs more packages is a recipe, which the tests run. */
const PAGES_OF_SNIPPETS = [
  ...["README.md", "docs/quick-start.md"],
  ...["admin-api", "pages", "passport", "sqlite"].map((name) => `docs/guides/${name}.md`),
  ...readdirSync("docs/reference").map((name) => join("docs/reference", name)),
];

/** In kB. Most of the tarball is the code in two formats, and the docs. */
// Limits and lifetimes took 25 kB, most of it SQL and Lua, in each of two builds; audit, health and the command line the rest. The history,
// fresh logins, metrics, and kicks of everyone that spare logins took 60 kB, a quarter of it docs; external keys and OpenID Connect 60.
// The console that finds, sorts and keeps results, its new look, and its guides took 65. Six more languages took 60: each table of texts is
// 4 kB, in each of two builds. The calls of Authing's SDKs took 26.
const MAX_SIZE = 830;

/** The TypeScript of these pages, a file a snippet. */
function snippets() {
  return PAGES_OF_SNIPPETS.flatMap((page) => [...readFileSync(page, "utf8").matchAll(/```ts\n([\s\S]*?)```/g)]).map(
    ([, code]) => code,
  );
}

/** The files of this project that the README leads to, or shows. */
function readmeLinks() {
  const links = readFileSync("README.md", "utf8").matchAll(/(?:\]\(|src="|srcset=")([^)"#:]+)[^)":]*[)"]/g);
  return [...links].map(([, path]) => path);
}

/** What the tarball must and must not hold. Pictures would be most of it. */
function checkFiles(paths) {
  const isExpected = (path) =>
    /^(dist\/(esm|cjs)\/|docs\/(?!images\/)|(README|CHANGELOG|CONTRIBUTING|SECURITY)\.md$|LICENSE$|package\.json$)/.test(
      path,
    );
  const strays = paths.filter((path) => !isExpected(path));
  if (strays.length > 0) throw new Error(`The tarball holds what it should not: ${strays.join(", ")}`);
  const missing = readmeLinks().filter((path) => !paths.includes(path) && !path.startsWith("docs/images/"));
  if (missing.length > 0) throw new Error(`The README leads to what the tarball does not hold: ${missing.join(", ")}`);
}

function checkSize(size) {
  const kB = Math.ceil(size / 1_000);
  if (kB > MAX_SIZE) throw new Error(`The tarball has ${kB} kB, and at most ${MAX_SIZE} are allowed.`);
  console.log(`Tarball: ${kB} kB of at most ${MAX_SIZE}`);
}

function runConsumers(consumer, url) {
  for (const script of ["esm.mjs", "cjs.cjs"]) {
    for (const more of [{}, { LOGINS: "logins.db" }, { REDIS_URL: url }]) {
      console.log(run(process.execPath, [script], { cwd: consumer, env: { ...inMemory, ...more } }).trim());
    }
  }
}

/** The contract suite passes on a registry of a stranger, and fails on each of its broken variants. */
function runContract(consumer) {
  const passes = (env) => {
    const { status } = spawnSync(process.execPath, ["--test", "registry-test.mjs"], { cwd: consumer, env });
    return status === 0;
  };
  if (!passes(process.env)) throw new Error("The contract suite fails on test/package/map-registry.mjs.");
  const variants = run(process.execPath, ["broken-registries.mjs"], { cwd: consumer }).trim().split("\n");
  const unnoticed = variants.filter((name) => passes({ ...process.env, BROKEN: name }));
  if (unnoticed.length > 0) throw new Error(`The contract suite passes on broken registries: ${unnoticed.join(", ")}`);
  console.log(`Contract suite: a registry of a stranger passes, and each of ${variants.length} broken ones fails`);
}

function compile(consumer) {
  const files = snippets();
  files.forEach((code, index) => writeFileSync(join(consumer, `snippet-${index + 1}.ts`), code));
  const tsc = (typescript, ...args) =>
    run(process.execPath, [`node_modules/${typescript}/bin/tsc`, ...args], {
      cwd: consumer,
      stdio: ["ignore", "inherit", "inherit"],
    });
  tsc("typescript", "-p", ".");
  tsc("typescript5", "-p", "classic");
  // TypeScript 6 has the classic resolution on request only.
  tsc("typescript", "-p", "classic", "--ignoreDeprecations", "6.0");
  console.log(`TypeScript: the consumers and ${files.length} snippets of the docs compile`);
}

try {
  const { tarball, paths, size } = pack(folder);
  checkFiles(paths);
  checkSize(size);
  node("node_modules/publint/src/cli.js", tarball, "--strict");
  node("node_modules/@arethetypeswrong/cli/dist/index.js", tarball, "--profile", "strict", "--format", "ascii");

  const packages = [...PACKAGES, ...TYPES, asInTests("typescript"), TYPESCRIPT_5];
  const consumer = makeConsumer(join(folder, "consumer"), tarball, packages);
  const oldest = makeConsumer(join(folder, "oldest"), tarball, OLDEST, { args: ["--strict-peer-deps"] });
  await withRedis((url) => [consumer, oldest].forEach((project) => runConsumers(project, url)));
  runContract(consumer);
  await tryQuickStart(consumer);
  compile(consumer);

  const { tried, failures } = await tryBundles(consumer);
  if (failures.length > 0) throw new Error(`Bundles that do not work:\n${failures.join("\n")}`);
  console.log(`Bundles: a kicked user is rejected by each of ${tried}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
