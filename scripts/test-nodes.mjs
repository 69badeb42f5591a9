// The package on the other versions of Node that `engines` promises: `npm run test:nodes`, or `npm run test:nodes -- 24`. Each
// binary is real: npm's package `node` brings it. The tests themselves run on it, as do the consumers, on connect-redis 10,
// which needs Node 22.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { asInTests, inMemory, makeConsumer, pack, run, withRedis } from "./consumer.mjs";
import { jest, SQLITE_SUITES } from "./suites.mjs";

const asked = process.argv.slice(2);
const versions = asked.length > 0 ? asked : ["22", "24", "26"];
const PACKAGES = [
  "connect-redis@10.0.0",
  ...["@opentelemetry/api", "express", "express-session", "jose", "redis"].map(asInTests),
];

/** The suites that run on each version, beside the consumers and the demo. */
const SUITES = [
  jest("unit", "(unit/memory-registry|registry/redis-(connections|index|listening|settings|steps))"),
  jest("unit", "registry/contract", "-t", "^(Memory|RedisLoginRegistry on (node-redis|ioredis) 6 )"),
  jest("express 5", "integration/(controls|live|oidc|opentelemetry|mounting|passport|refusal|saves|touches)"),
  // This project has two stores: MemoryStore and connect-redis.
  jest("express 4", "integration/(race-matrix|stores)"),
];
/** Each version brings its own SQLite. */
const ON_NODE_SQLITE = { EXPRESS_LOGOUT_TEST_SQLITE: "node" };

/** The binary of a version, from npm's cache or its registry. */
function binaryOf(version) {
  const script = "console.log(process.execPath)";
  return run("npx", ["--yes", "-p", `node@${version}`, "node", "-e", script], { cwd: tmpdir() }).trim();
}

/** Runs a script, and shows what it has printed if it fails. */
async function passes(node, args, options) {
  const child = spawn(node, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
  const printed = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => printed.push(chunk));
  const status = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  if (status !== 0) process.stdout.write(Buffer.concat(printed));
  return status === 0;
}

const every = async (trials) => {
  const results = [];
  for (const trial of trials) results.push(await trial());
  return !results.includes(false);
};

/** Installs the package with this version of npm's Node, and runs it in both formats, on memory, SQLite and Redis. */
async function consumersPass(node, env, folder, tarball) {
  makeConsumer(folder, tarball, PACKAGES, { args: ["--engine-strict"], env });
  return withRedis((url) =>
    every(
      ["esm.mjs", "cjs.cjs"].flatMap((script) =>
        [{}, { LOGINS: "logins.db" }, { REDIS_URL: url }].map(
          (more) => () => passes(node, [script], { cwd: folder, env: { ...env, ...more } }),
        ),
      ),
    ),
  );
}

async function tryVersion(version, tarball, folder) {
  const node = binaryOf(version);
  const env = { ...inMemory, PATH: [dirname(node), process.env.PATH].join(delimiter) };
  const name = run(node, ["--version"]).trim();
  const results = {};
  const step = async (what, trial) => {
    const began = Date.now();
    results[what] = (await trial()) ? "passed" : "FAILED";
    console.log(`${results[what]}  Node ${name}: ${what}  (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  };
  await step("consumers", () => consumersPass(node, env, join(folder, version), tarball));
  const demo = (more) => () => passes(node, ["example-app/dist/demo.js"], { env: { ...env, ...more } });
  const logins = join(folder, `${version}.db`);
  await step("demo", () => withRedis((url) => every([{}, { LOGINS: logins }, { REDIS_URL: url }].map(demo))));
  await step("demo with an identity provider", () => passes(node, ["example-app/dist/demo-oidc.js"], { env }));
  const suites = (each, more) => () =>
    every(each.map((args) => () => passes(node, args, { env: { ...env, ...more } })));
  await step("memory and Redis suites", suites(SUITES));
  await step("SQLite suites", suites(SQLITE_SUITES, ON_NODE_SQLITE));
  return { Node: name, ...results };
}

const folder = mkdtempSync(join(tmpdir(), "express-logout-nodes-"));
try {
  const { tarball } = pack(folder);
  const table = [];
  for (const version of versions) table.push(await tryVersion(version, tarball, folder));
  console.table(table);
  if (table.some((row) => Object.values(row).includes("FAILED"))) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
