// npm run bench:compare -- COMMIT: the CPU time of a request, beside that of an earlier commit.
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { Burst } from "./support/burst.mjs";
import { buildCommit } from "./support/built-commit.mjs";
import { readOptions } from "./support/options.mjs";
import { connectionOf } from "./support/places.mjs";
import { note, print } from "./support/print.mjs";
import { startRedis } from "./support/redis.mjs";
import { REQUEST_ARMS } from "./support/request-arms.mjs";
import { geometricMean, interval, quantile, runRounds, shuffler } from "./support/rounds.mjs";
import { startArm } from "./support/start-arm.mjs";
import { temporaryFolder } from "./support/temporary-folder.mjs";

const KINDS = { "logged-in": "/me", write: "/write", anonymous: "/me", visitor: "/me" };
/** What a request may cost, new ÷ old. */
const LIMITS = { "logged-in": 1.03, write: 1.1, anonymous: 1.03, visitor: 1.03 };
/** A difference between two processes of the same code that makes the run say nothing. */
const NOISE = 0.02;
const USERS = 100;

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

/** One start: the old code in two processes, which shows by how much one process differs from the next, and the new code. */
async function compare(name, oldArms, start) {
  await redis.client.flushDb();
  const of = (arms) => arms.find((arm) => arm.name === name);
  const sides = [
    { side: "old", arm: of(oldArms), cwd: old.folder },
    { side: "new", arm: of(REQUEST_ARMS), cwd: process.cwd() },
    { side: "again", arm: of(oldArms), cwd: old.folder },
  ];
  if (sides[0].arm === undefined) throw new Error(`The commit ${commit} has no arm "${name}".`);
  const folder = temporaryFolder();
  const slices = [];
  const running = [];
  try {
    // Whichever starts last is a little cheaper.
    for (const { side, arm, cwd } of shuffler(options.seed + start)(sides)) {
      // By the present name of the place: earlier commits have another word for it.
      const connection = connectionOf(of(REQUEST_ARMS).settings, { redisPort: redis.port, folder: folder.path }, side);
      const started = await startArm({ ...arm, settings: { ...arm.settings, ...connection }, cwd });
      running.push(started);
      if (started.unavailable !== undefined) throw new Error(`${name}, ${side}: ${started.unavailable}`);
      slices.push(...(await slicesOf(side, started)));
    }
    for (const { burst } of slices) for (let times = 0; times < 4; times += 1) await burst.run(requests);
    await runRounds({
      rounds,
      seed: options.seed + start,
      slices,
      run: async ({ burst, micros }) => micros.push(await burst.run(requests)),
    });
  } finally {
    for (const { burst } of slices) burst.close();
    for (const { close } of running) await close();
    folder.remove();
  }
  return slices.map(({ side, kind, micros }) => ({ name, side, kind, start, micros: quantile(micros, 0.25) }));
}

async function slicesOf(side, { origin, ask }) {
  const cookies = [];
  for (let user = 0; user < USERS; user += 1) cookies.push(await ask("logIn", `user-${user}`));
  const visitors = [];
  for (let visitor = 0; visitor < USERS; visitor += 1) {
    const response = await fetch(`${origin}/visit`);
    visitors.push(response.headers.getSetCookie()[0].split(";")[0]);
  }
  const sent = { "logged-in": cookies, write: cookies, anonymous: [undefined], visitor: visitors };
  return Object.entries(KINDS).map(([kind, path]) => ({
    side,
    kind,
    micros: [],
    burst: new Burst(origin + path, sent[kind], ask),
  }));
}

function rowsOf(arm, samples) {
  return Object.keys(KINDS).map((kind) => {
    const micros = (side) =>
      samples
        .filter((sample) => sample.name === arm && sample.kind === kind && sample.side === side)
        .map((of) => of.micros);
    const [old, again] = [micros("old"), micros("again")];
    const base = old.map((value, start) => geometricMean([value, again[start]]));
    const ratio = comparison(micros("new"), base);
    const self = comparison(again, old);
    return {
      kind,
      arm,
      oldMicros: geometricMean(base),
      ratio,
      self,
      isNoisy: Math.abs(self.median - 1) > NOISE,
      target: `≤ ${LIMITS[kind]}`,
      met: ratio.median <= LIMITS[kind],
    };
  });
}

function comparison(values, others) {
  const ratios = values.map((value, start) => value / others[start]);
  return interval(ratios, options.seed);
}
