// npm run bench:cpu: the CPU time of a request with this package, beside the same app without it. Exits with 3 on a machine that is too
// noisy to say.
import process from "node:process";
import { bindCores } from "./support/cores.mjs";
import { compared, cpuTimes, KINDS } from "./support/cpu-time.mjs";
import { readOptions } from "./support/options.mjs";
import { note, print } from "./support/print.mjs";
import { startRedis } from "./support/redis.mjs";
import { REQUEST_ARMS } from "./support/request-arms.mjs";
import { atMost } from "./support/rounds.mjs";

/** What a request may cost, ÷ bare. */
const LIMITS = {
  "express-logout": { "logged-in": 1.05, write: 1.15, anonymous: 1, login: 1.2 },
  "express-logout, waitForTouch": { "logged-in": 1.1 },
  "express-logout, touchIntervalMs": { "logged-in": 1 },
  "express-logout, coherent cache": { "logged-in": 0.95, write: 1.05 },
  "express-logout, MemoryStore": { "logged-in": 1.05, write: 1.12 },
  "express-logout, SQLite": { "logged-in": 1.25 },
};
const PER_SECOND = 1_000;

const options = readOptions({ rounds: 10, quickRounds: 1 });
const bursts = options.quick
  ? { rounds: 2, requests: 64, perSecond: PER_SECOND }
  : { rounds: 12, requests: 320, perSecond: PER_SECOND };
const arms = REQUEST_ARMS.filter(
  ({ name, module }) => module === "express-logout" && (options.arms === undefined || options.arms.includes(name)),
);
const bases = [...new Set(arms.map(({ base }) => base))];

const onCores = bindCores();
const redis = await startRedis();
try {
  const samples = [];
  for (let start = 0; start < options.rounds; start += 1) {
    for (const base of bases) samples.push(...(await measure(base, start)));
    note(`start ${start + 1} of ${options.rounds}`);
  }
  const rows = arms.flatMap((arm) => rowsOf(arm, samples));
  print({
    bench: "cpu",
    method: `${options.rounds} starts; in each, lower quartiles of ${bursts.rounds} bursts of ${bursts.requests} requests at ${PER_SECOND} a second, the processes in turn: geometric means over the starts, with their 95 % interval by bootstrap.`,
    options,
    rows,
  });
  if (!options.quick && rows.some(({ isNoisy }) => isNoisy)) {
    note(
      "Two processes of the same app differ by more than 0.02: this machine is too noisy now for what is marked NOISY.",
    );
    process.exitCode = 3;
  }
} finally {
  await redis.close();
}

/** One start: the bare app in two processes, and every arm that is compared with it. */
async function measure(base, start) {
  const bare = REQUEST_ARMS.find(({ name }) => name === base);
  const sides = [
    { side: "bare", arm: bare, kinds: KINDS },
    { side: "bare again", arm: bare, kinds: KINDS },
    ...arms.filter((arm) => arm.base === base).map((arm) => ({ side: arm.name, arm, kinds: arm.kinds ?? KINDS })),
  ];
  const times = await cpuTimes({ sides, redis, seed: options.seed + start, bursts, onCores });
  return times.map((time) => ({ base, start, ...time }));
}

function rowsOf({ name, base, kinds = KINDS }, samples) {
  return kinds.map((kind) => {
    const own = samples.filter((sample) => sample.base === base && sample.kind === kind);
    const row = compared(own, { side: name, base: "bare", again: "bare again", seed: options.seed });
    const limit = LIMITS[name]?.[kind];
    // A quick run has one start, whose interval is none.
    const judged = limit === undefined || options.quick ? {} : atMost(row.ratio, limit);
    return { kind, arm: name, ...row, ...judged };
  });
}
