// npm run test:mutants [-- --removals lib/session/stamp.ts …]: breaks the code on purpose, in one place at a time, runs the tests of that
// code, and prints the mutants that no test notices. The mutants are Stryker's, except those of Lua and SQL; see
// docs/mutation.md for the mutants that may survive. `--removals`: only conditions that always or never hold, and blocks left out.
import { spawn } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { performance } from "node:perf_hooks";
import process from "node:process";
import { parseArgs } from "node:util";
import { Instrumenter } from "@stryker-mutator/instrumenter";
import { bundleLua } from "./bundle-lua.mjs";
import { bundleSql } from "./bundle-sql.mjs";
import { textMutants } from "./text-mutants.mjs";

/** The files of a folder with this ending, such as `.lua`. */
const filesIn = (folder, ending) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name));
const REDIS_SCRIPTS = filesIn("lib/registry/redis/scripts", ".lua");
const STORE_SCRIPTS = filesIn("lib/session/store/scripts", ".lua");
const MIGRATIONS = filesIn("lib/registry/postgres/sql", ".sql");
const SQLITE_MIGRATIONS = filesIn("lib/registry/sqlite/sql", ".sql");

/**
 * Which files are broken, and which tests know them. The next of `tests` are run for what the ones before have not noticed. Of
 * the files of `text` it is the Lua or SQL in them that is broken.
 */
const GROUPS = [
  {
    files: [
      "lib/util/deadline.ts",
      "lib/util/linked-list.ts",
      "lib/session/rules/adoption.ts",
      "lib/session/callbacks.ts",
      "lib/util/device-info.ts",
      "lib/session/rules/lifetime.ts",
      "lib/session/rules/listing.ts",
      "lib/session/rules/end.ts",
      "lib/session/rules/rules.ts",
      "lib/session/rules/load.ts",
      "lib/session/rules/session-lifetimes.ts",
      "lib/session/rules/adopted-id.ts",
      "lib/session/store/raw-store.ts",
      "lib/session/rules/remembered-sessions.ts",
      "lib/session/request-state.ts",
      "lib/session/stamp.ts",
      "lib/session/rules/save.ts",
      "lib/session/rules/activity.ts",
      "lib/session/hook.ts",
      "lib/session/store-methods.ts",
      "lib/session/request-with-session.ts",
      "lib/session/store/store-support.ts",
      "lib/session/user-id.ts",
    ],
    tests: [
      "unit/(device-info|missing-user|lifetime|linked-list|remembered-sessions|stamp|store-oddities|deadline|user-id)",
      "proof/regressions|integration/(turns|saves|controls|mounting|rotation|touches)",
      "integration/(sets-without-request|start-login|login-after-logout|leftovers|shorter-lifetimes|forged-stamps|adoption-rules|user-id-answers)",
      "unit/options|integration/(adoption|interleavings|passport|refusal|silent-store|invariants|expiry|live)",
      "proof/histories",
    ],
    names: "^(how long a store|a touch of|(?!.*([Rr]edis|PostgreSQL)).*$)",
    env: { HISTORIES: "100" },
  },
  {
    files: [
      "lib/session/store/connect-redis-tombstones.ts",
      "lib/session/store/tombstones.ts",
      "lib/util/known-stores.ts",
      ...STORE_SCRIPTS,
    ],
    tests: ["integration/tombstones", "integration/(touches|controls|silent-store)"],
    text: STORE_SCRIPTS,
    names: "^(?!.*Sentinel).*$",
  },
  {
    files: [
      "lib/util/map-limit.ts",
      "lib/logins/logins.ts",
      "lib/logins/paging.ts",
      "lib/registry/generation.ts",
      "lib/registry/key-times.ts",
      "lib/registry/memory.ts",
      "lib/registry/memory-keys.ts",
      "lib/registry/memory-users.ts",
    ],
    tests: [
      "unit/(memory-registry|broken-keys)|registry/contract|integration/(controls|keys)",
      "integration/(invariants|admin-api)",
      "proof/histories",
    ],
    names: "^(?!.*([Rr]edis|Postgres)).*$",
    env: { HISTORIES: "100" },
  },
  {
    files: [
      "lib/util/redact-error.ts",
      "lib/util/batcher.ts",
      "lib/registry/ends.ts",
      "lib/registry/redis/coherent-cache.ts",
      "lib/registry/redis/connection.ts",
      "lib/registry/redis/keys.ts",
      "lib/registry/redis/login-ends.ts",
      "lib/registry/redis/index-shard.ts",
      "lib/registry/redis/login-index.ts",
      "lib/registry/redis/login-keys.ts",
      "lib/registry/redis/options.ts",
      "lib/registry/redis/notifications.ts",
      "lib/registry/redis/records.ts",
      "lib/registry/redis/registry.ts",
      "lib/registry/redis/login-lists.ts",
      "lib/registry/redis/notification-channel.ts",
      "lib/registry/redis/replicated.ts",
      "lib/registry/redis/shard-count.ts",
      "lib/registry/redis/tracking.ts",
      "lib/registry/redis/user-agent.ts",
      ...REDIS_SCRIPTS,
    ],
    tests: [
      "unit/(redact-error|coherent-cache|keys|options|redis-notifications|replicated-writes|batcher|user-agent)",
      "registry/(contract|redis-steps|redis-index|redis-keys|redis-shards|redis-connections)",
      "registry/(redis-settings|coherent-cache)",
      "registry/(redis-replicas|live-gaps|redis-listening|redis-outage)",
    ],
    text: REDIS_SCRIPTS,
    // One client speaks for all: what differs from client to client is not in these files.
    names: "^(?!.*(ioredis|node-redis 5|Sentinel|Cluster|pool|RESP 2|Postgres|MemoryLoginRegistry|20,000)).*$",
  },
  {
    files: [
      "lib/registry/postgres/database.ts",
      "lib/registry/postgres/login-keys.ts",
      "lib/registry/postgres/login-lists.ts",
      "lib/registry/sweeper.ts",
      "lib/registry/read-each.ts",
      "lib/registry/kick-json.ts",
      "lib/registry/postgres/names.ts",
      "lib/registry/postgres/records.ts",
      "lib/registry/postgres/registry.ts",
      "lib/registry/postgres/errors.ts",
      "lib/registry/postgres/migrations.ts",
      "lib/registry/postgres/schema.ts",
      "lib/registry/postgres/statements.ts",
      "lib/registry/postgres/notifications.ts",
      ...MIGRATIONS,
    ],
    tests: [
      "unit/options|registry/contract",
      "registry/postgres(-rows|-keys)?.test",
      "registry/(postgres-(outages|races|subscribe)|mixed-versions)",
    ],
    text: [...MIGRATIONS, "lib/registry/postgres/migrations.ts", "lib/registry/postgres/statements.ts"],
    names: "^(?!.*(RedisLoginRegistry|MemoryLoginRegistry|SqliteLoginRegistry)).*$",
  },
  {
    files: [
      "lib/registry/served.ts",
      "lib/registry/sqlite/connection.ts",
      "lib/registry/sqlite/database.ts",
      "lib/registry/sqlite/engine.ts",
      "lib/registry/sqlite/errors.ts",
      "lib/registry/sqlite/login-keys.ts",
      "lib/registry/sqlite/login-lists.ts",
      "lib/registry/sqlite/migrations.ts",
      "lib/registry/sqlite/names.ts",
      "lib/registry/sqlite/notifications.ts",
      "lib/registry/sqlite/records.ts",
      "lib/registry/sqlite/registry.ts",
      "lib/registry/sqlite/statements.ts",
      "lib/registry/sqlite/sweep.ts",
      "lib/registry/sqlite/transaction.ts",
      "lib/registry/sqlite/user-kicks.ts",
      "lib/registry/sqlite/user-step.ts",
      ...SQLITE_MIGRATIONS,
    ],
    tests: ["unit/options|registry/(contract|sqlite(-subscribe|-outages|-keys)?\\.test)", "registry/sqlite-processes"],
    text: [...SQLITE_MIGRATIONS, "lib/registry/sqlite/statements.ts"],
    names: "^(?!.*(RedisLoginRegistry|MemoryLoginRegistry|PostgresLoginRegistry)).*$",
  },
  {
    files: ["lib/http/fresh-logins.ts", "lib/session/rules/confirmation.ts"],
    tests: ["integration/fresh-logins"],
    names: "^(?!.*(connect-redis|PostgreSQL|SQLite)).*$",
  },
  {
    files: ["lib/logins/list-history.ts", "lib/registry/history.ts", "lib/registry/spared.ts"],
    tests: ["registry/(history|contract)\\.test"],
    // SQLite reads its entries from a table, as PostgreSQL does.
    names: "^(?!.*([Rr]edis|Postgre|Cluster|Sentinel)).*$",
  },
];

const { values: flags, positionals } = parseArgs({
  options: { removals: { type: "boolean", default: false } },
  allowPositionals: true,
});
const wanted = positionals.map((file) => file.replace(/^\.\//, ""));
/** Those that remove a safeguard. Of Lua and SQL, those that leave a statement out. */
const REMOVALS = ["ConditionalExpression", "BlockStatement", "statement"];
const isWanted = ({ mutatorName }) => !flags.removals || REMOVALS.includes(mutatorName);
const JEST = resolve("node_modules/jest/bin/jest.js");
const SURELY_ENOUGH_MS = 5_000;
/** At the end of each suite: Stryker counts how often the code runs each mutant. */
const RECORD_MET_MUTANTS = `
import { afterAll as atTheEnd } from "@jest/globals";
import { appendFileSync } from "node:fs";
atTheEnd(() => {
  const { MUTANTS_MET: file } = process.env;
  if (file) appendFileSync(file, Object.keys(globalThis.__stryker__?.mutantCoverage?.static ?? {}).join("\\n") + "\\n");
});
`;
const silent = () => undefined;
const logger = { debug: silent, info: silent, warn: console.warn, isDebugEnabled: () => false };

const unknown = wanted.filter((file) => !GROUPS.some(({ files }) => files.includes(file)));
if (unknown.length > 0) throw new Error(`No tests are named here for ${unknown.join(", ")}: add them to a group.`);

const totals = [];
for (const group of GROUPS) {
  const files = group.files.filter((file) => wanted.length === 0 || wanted.includes(file));
  if (files.length > 0) totals.push(...(await mutate(group, files)));
}
console.log("\n| file | mutants | killed | survived |\n| --- | --: | --: | --: |");
for (const { file, mutants, survivors } of totals) {
  console.log(`| \`${file}\` | ${mutants} | ${mutants - survivors} | ${survivors} |`);
}

async function mutate(group, files) {
  const isText = (file) => group.text?.includes(file) === true;
  const { mutants, copies } = await instrumented(files.filter((file) => !isText(file)));
  for (const file of files.filter(isText)) {
    mutants.push(...textMutants(file, readFileSync(file, "utf8")).filter(isWanted));
  }
  try {
    const runs = await checked(group, copies[0]);
    const survivors = [];
    const queue = [...mutants];
    let done = 0;
    const work = async (copy) => {
      for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
        if (await survives(group, copy, runs, mutant)) {
          survivors.push(mutant);
          console.log(described(mutant));
        }
        done += 1;
        if (done % 20 === 0) console.error(`${done} of ${mutants.length}`);
      }
    };
    await Promise.all(copies.map(work));
    const of = (list, file) => list.filter(({ fileName }) => fileName === file).length;
    return files.map((file) => ({ file, mutants: of(mutants, file), survivors: of(survivors, file) }));
  } finally {
    for (const copy of copies) rmSync(copy, { recursive: true, force: true });
  }
}

/** Copies of the project, one for each run at a time, with every mutant in place: one of them is chosen by the environment. */
async function instrumented(files) {
  const sources = files.map((name) => ({ name, content: readFileSync(name, "utf8"), mutate: true }));
  const options = { plugins: null, excludedMutations: ["StringLiteral"], ignorers: [] };
  const result = await new Instrumenter(logger).instrument(sources, options);
  const copies = Array.from({ length: availableParallelism() }, () => {
    const copy = mkdtempSync(join(tmpdir(), "express-logout-mutants-"));
    for (const name of ["lib", "test", "package.json", "jest.config.mjs", "tsconfig.json"]) {
      cpSync(name, join(copy, name), { recursive: true });
    }
    symlinkSync(resolve("node_modules"), join(copy, "node_modules"));
    for (const { name, content } of result.files) writeFileSync(join(copy, name), content);
    appendFileSync(join(copy, "test/support/setup.ts"), RECORD_MET_MUTANTS);
    return copy;
  });
  const mutants = result.mutants.filter((mutant) => mutant.status !== "Ignored" && isWanted(mutant));
  return { mutants, copies };
}

/**
 * Without a mutant every test must pass.
 *
 * @returns for each run of tests the time limit with a mutant, in milliseconds, and the mutants that it runs
 */
async function checked(group, copy) {
  const runs = [];
  for (const tests of group.tests) {
    const met = join(copy, `met-${runs.length}`);
    writeFileSync(met, "");
    const began = performance.now();
    if (!(await passes(group, tests, copy, 600_000, { MUTANTS_MET: met }))) {
      throw new Error(`The tests fail without a mutant: ${tests}`);
    }
    const limitMs = 3 * (performance.now() - began) + SURELY_ENOUGH_MS;
    runs.push({ tests, limitMs, met: new Set(readFileSync(met, "utf8").split("\n")) });
  }
  return runs;
}

async function survives(group, copy, runs, { id, fileName, source }) {
  if (source !== undefined) {
    writeFileSync(join(copy, fileName), source);
    bundle(copy);
  }
  try {
    for (const { tests, limitMs, met } of runs) {
      const isMet = source !== undefined || met.has(id);
      if (isMet && !(await passes(group, tests, copy, limitMs, { __STRYKER_ACTIVE_MUTANT__: id }))) return false;
    }
    return true;
  } finally {
    if (source !== undefined) {
      cpSync(fileName, join(copy, fileName));
      bundle(copy);
    }
  }
}

/** Embeds the Lua and the SQL of a copy. */
function bundle(copy) {
  bundleLua(copy);
  bundleSql(copy);
}

/** Whether all tests pass in time. A test that hangs does not. */
async function passes({ names, env }, tests, copy, limitMs, chosen) {
  const args = [JEST, "--selectProjects", "unit", "express 5", "--runInBand", "--bail", "--silent", "--forceExit"];
  if (names !== undefined) args.push("--testNamePattern", names);
  const run = spawn(process.execPath, [...args, "--testPathPatterns", tests], {
    cwd: copy,
    env: { ...process.env, ...env, ...chosen },
    stdio: "MUTANTS_MET" in chosen ? "inherit" : "ignore",
    // A group of its own: the servers that the tests start end with it.
    detached: true,
  });
  const late = setTimeout(() => end(run), limitMs);
  const status = await new Promise((resolve, reject) => run.once("error", reject).once("exit", resolve));
  clearTimeout(late);
  end(run);
  return status === 0;
}

function end({ pid }) {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The group has already ended.
  }
}

function described({ fileName, location, mutatorName, replacement }) {
  const lines = readFileSync(fileName, "utf8").split("\n");
  const { start, end: last } = location;
  const isOneLine = start.line === last.line;
  const text = lines[start.line].slice(start.column, isOneLine ? last.column : undefined);
  const original = `${text}${isOneLine ? "" : " …"}`;
  return `survived: ${fileName}:${start.line + 1}:${start.column + 1}  ${mutatorName}: ${original} → ${replacement.split("\n")[0]}`;
}
