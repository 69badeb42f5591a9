// npm run bench:request: what this package costs a request, beside the same app without it and beside its peers.
import { placeOf } from "./support/places.mjs";
import { readOptions } from "./support/options.mjs";
import { note, print } from "./support/print.mjs";
import { countCommands, startRedis } from "./support/redis.mjs";
import { checkArms, startRequestArms, stopRequestArms } from "./support/request-setup.mjs";
import { atLeast, pairedRatios, runRounds, spread } from "./support/rounds.mjs";
import { temporaryFolder } from "./support/temporary-folder.mjs";
import { needWrk } from "./support/wrk.mjs";

const CONNECTIONS = 16;
const options = readOptions({ rounds: 25, quickRounds: 2 });
const sliceMs = options.quick ? 350 : 1_000;
/** A process that has been idle is slow at first (its garbage collector has cleared away, its code has aged): each slice warms up. */
const warmUpMs = 300;
/** And longer when it has just been started: its code is not compiled yet. */
const firstWarmUpMs = options.quick ? 300 : 1_000;
/** One process of the same code may be a tenth faster than the next, for as long as it runs: every arm is started anew after so many. */
const ROUNDS_OF_A_START = 2;
const starts = options.quick ? 1 : Math.ceil(options.rounds / ROUNDS_OF_A_START);

needWrk();
const redis = await startRedis();
const slices = [];
let arms;
try {
  for (let start = 0; start < starts; start += 1) arms = await measure(start);

  print({
    bench: "request",
    method: `${options.rounds} rounds of slices of ${sliceMs} ms, after ${warmUpMs} ms of warming up, in shuffled order, every arm started ${starts} times, ${CONNECTIONS} connections: medians; ÷ base: median of the paired ratios (quartiles).`,
    options,
    rows: rowsOf(slices, arms),
  });
} finally {
  await redis.close();
}

/** Its part of the rounds. @returns the arms. */
async function measure(start) {
  const [first, end] = [start, start + 1].map((part) => Math.floor((part * options.rounds) / starts));
  await redis.client.flushDb();
  const folder = temporaryFolder();
  const { arms, running } = await startRequestArms({
    servers: { redisPort: redis.port, folder: folder.path },
    users: options.quick ? 20 : 200,
    only: options.arms,
  });
  try {
    const current = running.flatMap((arm) => Object.keys(arm.loads).map((kind) => sliceOf(arm, kind)));
    for (const slice of current) {
      // The first request of a session also writes more to the registry.
      await warmUp(slice, firstWarmUpMs);
      slice.commands ??= await commandsOfARequest(slice);
    }
    await runRounds({
      rounds: end - first,
      seed: options.seed + start,
      slices: current,
      run: async (slice) => {
        const { arm, kind, results } = slice;
        await warmUp(slice, warmUpMs);
        const before = await arm.ask("cpuMicros");
        const result = await arm.loads[kind].run({ ms: sliceMs, connections: CONNECTIONS });
        const micros = (await arm.ask("cpuMicros")) - before;
        results.push({ ...result, cpuMicros: micros / result.requests });
      },
      onRound: (round) => note(`round ${first + round + 1} of ${options.rounds}`),
    });
    await checkArms(running);
  } finally {
    await stopRequestArms(running);
    folder.remove();
  }
  return arms;
}

async function warmUp({ arm, kind }, ms) {
  await arm.loads[kind].run({ ms, connections: CONNECTIONS });
}

/** Of an arm that is started anew the results go on. */
function sliceOf(arm, kind) {
  const known = slices.find((slice) => slice.kind === kind && slice.arm.name === arm.name);
  if (known !== undefined) return Object.assign(known, { arm });
  const slice = { arm, kind, results: [] };
  slices.push(slice);
  return slice;
}

/** Exact on every machine: counted over sequential requests. */
async function commandsOfARequest({ arm, kind }) {
  if (placeOf(arm.settings) !== "redis") return undefined;
  const requests = 100;
  const calls = await countCommands(redis.client, async () => {
    for (let request = 0; request < requests; request += 1) await arm.loads[kind].once(request);
  });
  return calls / requests;
}

function rowsOf(slices, arms) {
  const kinds = [...new Set(slices.map(({ kind }) => kind))];
  const rows = kinds.flatMap((kind) => {
    const ofKind = slices.filter((slice) => slice.kind === kind);
    return ofKind.map((slice) => {
      const base = ofKind.find(({ arm }) => arm.name === slice.arm.base);
      const of = (name) => slice.results.map((result) => result[name]);
      const compared = (name) =>
        pairedRatios(
          of(name),
          base.results.map((result) => result[name]),
        );
      return {
        kind,
        arm: slice.arm.name,
        base: slice.arm.base,
        requestsPerSecond: spread(of("requestsPerSecond")).median,
        ratio: compared("requestsPerSecond"),
        cpuMicros: spread(of("cpuMicros")).median,
        cpuRatio: compared("cpuMicros"),
        p50Ms: spread(of("p50Ms")).median,
        p99Ms: spread(of("p99Ms")).median,
        commands: slice.commands,
        ...targetOf(slice, base, ofKind),
      };
    });
  });
  const missing = arms.filter(({ unavailable }) => unavailable !== undefined);
  return [...rows, ...missing.map(({ name, unavailable }) => ({ kind: "logged-in", arm: name, unavailable }))];
}

function targetOf({ arm, kind, results, commands }, base, ofKind) {
  if (arm.module !== "express-logout") return {};
  const of = (slice, name) => slice.results.map((result) => result[name]);
  const ratio = (name) => pairedRatios(of({ results }, name), of(base, name)).interval;
  const speed = (slice) => spread(of(slice, "requestsPerSecond")).median;
  if (kind === "anonymous" || kind === "visitor") {
    return both(atLeast(ratio("requestsPerSecond"), 0.99), "commands as bare", commands === base.commands);
  }
  if (kind !== "logged-in") return {};
  // How much CPU time a request may take is judged by bench:cpu.
  if (arm.least === undefined) return {};
  const isFast = atLeast(ratio("requestsPerSecond"), arm.least);
  if (arm.commands === undefined) return isFast;
  const peers = ofKind.filter((slice) => ["openid-connect", "better-auth"].includes(slice.arm.module));
  const isAhead = peers.every((peer) => speed(peer) < speed({ results }));
  return both(isFast, `${arm.commands} commands, ahead of the peers`, commands === arm.commands && isAhead);
}

/** A target with a second condition, which is exact. */
function both({ target, ...judged }, words, isMet) {
  return { target: `${target}, ${words}`, ...(isMet ? judged : { met: false }) };
}
