// The CPU time of a request: of one arm in several processes, or of several arms, in turn.
import { Burst } from "./burst.mjs";
import { connectionOf } from "./places.mjs";
import { geometricMean, interval, quantile, runRounds, shuffler } from "./rounds.mjs";
import { startArm } from "./start-arm.mjs";
import { temporaryFolder } from "./temporary-folder.mjs";

/** The requests, by what is asked for. */
const PATHS = { "logged-in": "/me", write: "/write", anonymous: "/me", visitor: "/me", login: "/log-in-anew" };
export const KINDS = Object.keys(PATHS);
const USERS = 100;
const user = (number) => `user-${number % USERS}`;

/** A difference between two processes of the same code that makes the run say nothing; so does an interval of twice as much each way. */
const NOISE = 0.02;

/**
 * One start of several processes.
 *
 * @param sides - the processes: `side`, its name; `arm`; `cwd`, the checkout that it runs; `kinds`, its requests
 * @param bursts - `rounds` of so many `requests`, `perSecond` if they are to come at a fixed rate
 * @returns the microseconds a request of each side, by kind: lower quartiles of its bursts
 */
export async function cpuTimes({ sides, redis, seed, bursts, onCores = (arm) => arm }) {
  const { rounds, requests, perSecond } = bursts;
  await redis.client.flushDb();
  const folder = temporaryFolder();
  const slices = [];
  const running = [];
  try {
    // Whichever starts last is a little cheaper.
    for (const { side, arm, cwd, kinds, placeSettings = arm.settings } of shuffler(seed)(sides)) {
      const connection = connectionOf(placeSettings, { redisPort: redis.port, folder: folder.path }, side);
      const started = await startArm(onCores({ ...arm, settings: { ...arm.settings, ...connection }, cwd }));
      running.push(started);
      if (started.unavailable !== undefined) throw new Error(`${side}: ${started.unavailable}`);
      slices.push(...(await slicesOf(side, kinds, started)));
    }
    for (const { burst } of slices) for (let times = 0; times < 4; times += 1) await burst.run(requests);
    await runRounds({
      rounds,
      seed,
      slices,
      run: async ({ burst, micros }) => micros.push(await burst.run(requests, perSecond)),
    });
  } finally {
    for (const { burst } of slices) burst.close();
    for (const { close } of running) await close();
    folder.remove();
  }
  return slices.map(({ side, kind, micros }) => ({ side, kind, micros: quantile(micros, 0.25) }));
}

async function slicesOf(side, kinds, { origin, ask }) {
  const cookies = [];
  for (let number = 0; number < USERS; number += 1) cookies.push(await ask("logIn", user(number)));
  const visitors = [];
  for (let visitor = 0; visitor < USERS; visitor += 1) {
    const response = await fetch(`${origin}/visit`);
    visitors.push(response.headers.getSetCookie()[0].split(";")[0]);
  }
  const sent = { "logged-in": cookies, write: cookies, visitor: visitors };
  return kinds.map((kind) => {
    const path = (number) => (kind === "login" ? `${PATHS.login}?user=${user(number)}` : PATHS[kind]);
    const requestOf = (number) => ({ url: origin + path(number), cookie: sent[kind]?.[number % USERS] });
    return { side, kind, micros: [], burst: new Burst(requestOf, ask) };
  });
}

/**
 * The starts of a side, beside those of one code in two processes, which show by how much one process differs from the next.
 *
 * @param samples - the times by side, one a start
 */
export function compared(samples, { side, base, again, seed }) {
  const microsOf = (name) => samples.filter((sample) => sample.side === name).map(({ micros }) => micros);
  const [first, second, own] = [base, again, side].map(microsOf);
  const mean = first.map((value, start) => geometricMean([value, second[start]]));
  const ratio = (values, others) =>
    interval(
      values.map((value, start) => value / others[start]),
      seed,
    );
  const self = ratio(second, first);
  return {
    baseMicros: geometricMean(mean),
    micros: geometricMean(own),
    ratio: ratio(own, mean),
    self,
    isNoisy: Math.abs(self.median - 1) > NOISE || self.high - self.low > 4 * NOISE,
  };
}
