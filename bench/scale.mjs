// npm run bench:scale: what a login takes of memory, and how long a page of those who are online takes, as their number grows.
import { Copies } from "./support/copies.mjs";
import { addUsers, logInOriginal } from "./support/kick-site.mjs";
import { readOptions } from "./support/options.mjs";
import { note, print } from "./support/print.mjs";
import { startRedis } from "./support/redis.mjs";
import { atMost, pairedRatios, quantile, runRounds, spread } from "./support/rounds.mjs";
import { startArm } from "./support/start-arm.mjs";

const LIMIT = 10;
/** The data that all logins of a user share costs less for each login if there are several. */
const LOGINS_OF_A_USER = 3;
/** A page takes so little time that a slice is the median of several. */
const PAGES_OF_A_SLICE = 20;
/** Of a login, alone and among three of its user. */
const MOST_BYTES = { Redis: [450, 300], memory: [800] };
const MOST_GROWTH = 2;
const options = readOptions({ rounds: 25, quickRounds: 5 });
const sizes = options.quick ? [1_000, 10_000] : [1_000, 10_000, 100_000, 1_000_000];
const count = (number) => number.toLocaleString("en");

const places = [];
try {
  for (const users of sizes) {
    note(`${count(users)} logins …`);
    places.push(await redisPlace(users), await memoryPlace(users));
  }
  const slices = places.flatMap((place) => {
    const pages = { "first page": 1, "far page": Math.floor(place.users / LIMIT) };
    return Object.entries(pages).map(([page, number]) => ({ ...place, page, number, results: [] }));
  });
  const run = async ({ arm, number, results }) => {
    const times = [];
    for (let page = 0; page < PAGES_OF_A_SLICE; page += 1) {
      times.push(await arm.ask("time", "activeUsers", { page: number, limit: LIMIT }));
    }
    results.push(quantile(times, 0.5));
  };
  for (const slice of slices) await run({ ...slice, results: [] });
  await runRounds({ ...options, slices, run, onRound: (round) => note(`round ${round + 1} of ${options.rounds}`) });

  print({
    bench: "scale",
    method: `Pages: ${options.rounds} rounds in shuffled order, medians; ratio: median of the paired ratios (quartiles).`,
    options,
    rows: [...places.flatMap(bytesRows), ...slices.map((slice) => pageRow(slice, slices))],
  });
} finally {
  for (const { close } of places) await close();
}

async function redisPlace(users) {
  const redis = await startRedis();
  const settings = { redisPort: redis.port, prefix: "site:" };
  const arm = await startArm({ name: "express-logout", module: "express-logout", settings });
  const copies = await Copies.of(redis.client, await logInOriginal(arm));
  await addUsers({ copies, package: arm }, { name: "check", users: 1 });
  const usedBytes = async () => Number(/used_memory:(\d+)/.exec(await redis.client.info("memory"))[1]);
  const ofRegistry = copies.only(({ key }) => key.startsWith("site:logins:"));
  const bytesOfALogin = async (many) => {
    const before = await usedBytes();
    await ofRegistry.write(many);
    return ((await usedBytes()) - before) / (many.users * many.logins);
  };
  const ofSeveral = { name: "several", users: Math.ceil(users / LOGINS_OF_A_USER), logins: LOGINS_OF_A_USER };
  const bytesOfSeveral = await bytesOfALogin(ofSeveral);
  await redis.client.flushAll();
  await logInOriginal(arm);
  const bytes = await bytesOfALogin({ name: "user", users, logins: 1 });
  const close = async () => {
    await arm.close();
    await redis.close();
  };
  return { registry: "Redis", users, arm, bytes, bytesOfSeveral, close };
}

async function memoryPlace(users) {
  const execArgv = ["--expose-gc", "--max-old-space-size=8192"];
  const arm = await startArm({ name: "MemoryLoginRegistry", module: "memory-registry", execArgv });
  const before = await arm.ask("bytes");
  await arm.ask("add", users);
  const bytes = ((await arm.ask("bytes")) - before) / users;
  return { registry: "memory", users, arm, bytes, close: () => arm.close() };
}

function bytesRows({ registry, users, bytes, bytesOfSeveral }) {
  const [most, mostOfSeveral] = MOST_BYTES[registry];
  const row = (what, value, limit) => {
    return { registry, logins: users, unit: "bytes", what, value, target: `≤ ${limit}`, met: value <= limit };
  };
  const one = row("a login, one a user", bytes, most);
  if (bytesOfSeveral === undefined) return [one];
  return [one, row(`a login, ${LOGINS_OF_A_USER} a user`, bytesOfSeveral, mostOfSeveral)];
}

function pageRow({ registry, users, page, results }, slices) {
  const row = { registry, logins: users, what: page, value: spread(results).median, unit: "ms" };
  if (users === sizes[0]) return row;
  const base = slices.find((slice) => slice.registry === registry && slice.page === page && slice.users === sizes[0]);
  const growth = pairedRatios(results, base.results);
  const isJudged = page === "first page" && users === sizes.at(-1) && !options.quick;
  return {
    ...row,
    ratio: growth,
    ...(isJudged ? atMost(growth.interval, MOST_GROWTH) : {}),
  };
}
