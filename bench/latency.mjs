// npm run bench:latency: how long a logged-in request takes where Redis is not next door.
import { fork } from "node:child_process";
import { once } from "node:events";
import { readOptions } from "./support/options.mjs";
import { note, print } from "./support/print.mjs";
import { startRedis } from "./support/redis.mjs";
import { checkArms, startRequestArms, stopRequestArms } from "./support/request-setup.mjs";
import { atMost, pairedRatios, runRounds, spread } from "./support/rounds.mjs";
import { needWrk } from "./support/wrk.mjs";

/** So few that requests wait for Redis and not for each other. */
const CONNECTIONS = 4;
const DELAYS_MS = [0.5, 2];
const MOST = 1.05;
const options = readOptions({ rounds: 25, quickRounds: 2 });
const sliceMs = options.quick ? 500 : 1_000;

needWrk();
const redis = await startRedis();
const closing = [() => redis.close()];
try {
  const slices = [];
  const unavailable = [];
  const all = [];
  for (const delayMs of DELAYS_MS) {
    const proxy = fork("bench/support/delay-proxy.mjs", [String(redis.port), String(delayMs)]);
    closing.unshift(() => proxy.disconnect());
    const [{ port }] = await once(proxy, "message");
    const { arms, running } = await startRequestArms({
      servers: { redisPort: port },
      users: options.quick ? 10 : 100,
      only: options.arms,
      kinds: ["logged-in"],
      places: ["redis"],
    });
    closing.unshift(() => stopRequestArms(running));
    slices.push(...running.map((arm) => ({ arm, delayMs, results: [] })));
    unavailable.push(...arms.filter((arm) => arm.unavailable !== undefined).map((arm) => ({ arm, delayMs })));
    all.push(...running);
  }
  for (const { arm } of slices) await arm.loads["logged-in"].run({ ms: sliceMs, connections: CONNECTIONS });
  await runRounds({
    ...options,
    slices,
    run: async ({ arm, results }) => {
      const { p50Ms, p99Ms } = await arm.loads["logged-in"].run({ ms: sliceMs, connections: CONNECTIONS });
      results.push({ p50Ms, p99Ms });
    },
    onRound: (round) => note(`round ${round + 1} of ${options.rounds}`),
  });
  await checkArms(all);

  print({
    bench: "latency",
    method: `${options.rounds} rounds of slices of ${sliceMs} ms in shuffled order, ${CONNECTIONS} connections: medians; ÷ bare: median of the paired ratios of the p50 (quartiles).`,
    options,
    rows: [
      ...slices.map((slice) => rowOf(slice, slices)),
      ...unavailable.map(({ arm, delayMs }) => ({ delayMs, arm: arm.name, unavailable: arm.unavailable })),
    ],
  });
} finally {
  for (const close of closing) await close();
}

function rowOf({ arm, delayMs, results }, slices) {
  const base = slices.find((slice) => slice.delayMs === delayMs && slice.arm.name === arm.base);
  const p50s = (slice) => slice.results.map(({ p50Ms }) => p50Ms);
  const compared = pairedRatios(p50s({ results }), p50s(base));
  const isJudged = arm.least !== undefined && delayMs === 2;
  return {
    delayMs,
    arm: arm.name,
    p50Ms: spread(p50s({ results })).median,
    p99Ms: spread(results.map(({ p99Ms }) => p99Ms)).median,
    ratio: compared,
    ...(isJudged ? atMost(compared.interval, MOST) : {}),
  };
}
