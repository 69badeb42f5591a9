// npm run bench:compare -- COMMIT: the CPU time of a request, beside that of an earlier commit.
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { buildCommit } from "./support/built-commit.mjs";
import { compared, cpuTimes } from "./support/cpu-time.mjs";
import { readOptions } from "./support/options.mjs";
import { note, print } from "./support/print.mjs";
import { startRedis } from "./support/redis.mjs";
import { REQUEST_ARMS } from "./support/request-arms.mjs";
import { atMost } from "./support/rounds.mjs";

/** What a request may cost, new ÷ old. */
const LIMITS = { "logged-in": 1.03, write: 1.1, anonymous: 1.03, visitor: 1.03 };

const options = readOptions({ rounds: 10, quickRounds: 1 });
const requests = options.quick ? 64 : 320;
const rounds = options.quick ? 2 : 16;
const [commit] = options.names;
if (commit === undefined) throw new Error("Name the commit to compare with: npm run bench:compare -- COMMIT.");

const isCompared = ({ name, module }) =>
  module === "express-logout" && (options.arms === undefined || options.arms.includes(name));
const redis = await startRedis();
const old = buildCommit(commit);
try {
  const { REQUEST_ARMS: oldArms } = await import(
    pathToFileURL(join(old.folder, "bench/support/request-arms.mjs")).href
  );
  const isNew = (name) => options.arms === undefined && !oldArms.some((arm) => arm.name === name);
  const names = REQUEST_ARMS.filter(isCompared)
    .map(({ name }) => name)
    .filter((name) => !isNew(name));
  const samples = [];
  for (let start = 0; start < options.rounds; start += 1) {
    for (const name of names) samples.push(...(await compare(name, oldArms, start)));
    note(`start ${start + 1} of ${options.rounds}`);
  }
  const rows = names.flatMap((arm) => rowsOf(arm, samples));
  print({
    bench: "compare",
    method: `${options.rounds} starts; in each, lower quartiles of ${rounds} bursts of ${requests} requests over 16 connections, the processes in turn: geometric means over the starts, with their 95 % interval by bootstrap.`,
    options,
    rows,
  });
  if (rows.some(({ isNoisy }) => isNoisy)) process.exitCode = 3;
} finally {
  old.close();
  await redis.close();
}

/** One start: the old code in two processes, and the new code. */
async function compare(name, oldArms, start) {
  const of = (arms) => arms.find((arm) => arm.name === name);
  const oldArm = of(oldArms);
  if (oldArm === undefined) throw new Error(`The commit ${commit} has no arm "${name}".`);
  // By the present name of the place: earlier commits have another word for it.
  const common = { kinds: Object.keys(LIMITS), placeSettings: of(REQUEST_ARMS).settings };
  const sides = [
    { side: "old", arm: oldArm, cwd: old.folder, ...common },
    { side: "new", arm: of(REQUEST_ARMS), cwd: process.cwd(), ...common },
    { side: "again", arm: oldArm, cwd: old.folder, ...common },
  ];
  const times = await cpuTimes({ sides, redis, seed: options.seed + start, bursts: { rounds, requests } });
  return times.map((time) => ({ name, start, ...time }));
}

function rowsOf(arm, samples) {
  return Object.keys(LIMITS).map((kind) => {
    const own = samples.filter((sample) => sample.name === arm && sample.kind === kind);
    const row = compared(own, { side: "new", base: "old", again: "again", seed: options.seed });
    return { kind, arm, ...row, ...atMost(row.ratio, LIMITS[kind]) };
  });
}
