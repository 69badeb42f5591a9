// npm run bench:cluster: how evenly a Cluster is loaded by the index of users, in one shard and in several, and what a page costs.
import process from "node:process";
import { RedisLoginRegistry } from "express-logout/redis";
import { startCluster } from "./support/cluster.mjs";
import { readOptions } from "./support/options.mjs";
import { note, print } from "./support/print.mjs";
import { commandCalls } from "./support/redis.mjs";
import { atMost, pairedRatios, quantile } from "./support/rounds.mjs";

const HOUR_MS = 3_600_000;
const FEW = 1_000;
const AT_ONCE = 1_000;
/** A page takes so little time that a slice is the median of several. */
const PAGES_OF_A_SLICE = 20;
const MOST_UNEVEN = 1.15;
const MOST_GROWTH = 2;
const options = readOptions({ rounds: 25, quickRounds: 5 });
const logins = options.quick ? 4_000 : 100_000;
const loginsOfPage = options.quick ? 10_000 : 1_000_000;
const count = (number) => number.toLocaleString("en");

const rows = [];
for (const masters of [3, 6]) {
  for (const shards of [1, 16]) {
    note(`${masters} masters, shards: ${shards} …`);
    rows.push(await load({ masters, shards }));
  }
}
note(`A page among ${count(loginsOfPage)} logins …`);
rows.push(await page({ masters: 3, shards: 16 }));
print({
  bench: "cluster",
  method: `Commands by INFO commandstats. Pages: ${options.rounds} rounds, the median of ${PAGES_OF_A_SLICE} each; ratio: median of the paired ratios (quartiles).`,
  options,
  rows,
});

async function load({ masters, shards }) {
  const place = await startCluster(masters);
  try {
    const registry = open(place.cluster, { appId: "shop", shards });
    // The first calls ask for what is asked once, and load the scripts.
    await addUsers(registry, "first", 100 * masters);
    const before = await Promise.all(place.masters.map(commandCalls));
    await addUsers(registry, "user", logins);
    const after = await Promise.all(place.masters.map(commandCalls));
    const calls = after.map((each, master) => each - before[master]);
    const mean = calls.reduce((sum, each) => sum + each, 0) / masters;
    const value = Math.max(...calls) / mean;
    const row = { masters, shards, logins, what: "most loaded ÷ mean", commands: (mean * masters) / logins, value };
    return shards === 1 ? row : { ...row, target: `≤ ${MOST_UNEVEN}`, met: value <= MOST_UNEVEN };
  } finally {
    await place.close();
  }
}

async function page({ masters, shards }) {
  const place = await startCluster(masters);
  try {
    const few = open(place.cluster, { appId: "few", shards });
    const many = open(place.cluster, { appId: "many", shards });
    await addUsers(few, "user", FEW);
    await addUsers(many, "user", loginsOfPage);
    const results = { few: [], many: [] };
    for (let round = -1; round < options.rounds; round += 1) {
      const times = { few: await timeOfPage(few), many: await timeOfPage(many) };
      // The first round warms up.
      if (round >= 0) for (const name of ["few", "many"]) results[name].push(times[name]);
    }
    const ratio = pairedRatios(results.many, results.few);
    const row = { masters, shards, logins: loginsOfPage, what: `first page ÷ among ${count(FEW)}`, ratio };
    return options.quick ? row : { ...row, ...atMost(ratio.interval, MOST_GROWTH) };
  } finally {
    await place.close();
  }
}

async function timeOfPage(registry) {
  const times = [];
  for (let asked = 0; asked < PAGES_OF_A_SLICE; asked += 1) {
    const began = process.hrtime.bigint();
    const { items } = await registry.activeUsers({ offset: 0, limit: 10 });
    times.push(Number(process.hrtime.bigint() - began) / 1e6);
    if (items.length !== 10) throw new Error(`The page has ${items.length} users, not 10.`);
  }
  return quantile(times, 0.5);
}

function open(client, { appId, shards }) {
  const registry = new RedisLoginRegistry({ client, indexShards: shards, timeoutMs: 60_000 });
  registry.init({ appId, maxSessionAgeMs: 24 * HOUR_MS });
  return registry;
}

/** Logs users in, each of whom is then active once. */
async function addUsers(registry, name, users) {
  for (let done = 0; done < users; done += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, users - done) }, (_, index) => `${name}-${done + index}`);
    await Promise.all(
      some.map(async (userId) => {
        const id = `login of ${userId}`;
        await registry.add({ id, userId, sid: `session of ${userId}`, ttlMs: HOUR_MS });
        await registry.update(userId, id, { ttlMs: HOUR_MS });
      }),
    );
  }
}
