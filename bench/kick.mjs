// npm run bench:kick: how long it takes to force users offline, by how many logins and among how many sessions.
import { addUsers, kickByHttp, startKickSite, startSqliteKickSite } from "./support/kick-site.mjs";
import { readOptions } from "./support/options.mjs";
import { note, print } from "./support/print.mjs";
import { atLeast, atMost, pairedRatios, quantile, runRounds, spread } from "./support/rounds.mjs";

const options = readOptions({ rounds: 25, quickRounds: 3 });
const sizes = options.quick
  ? { sessions: [1_000, 10_000], logins: [1, 10, 1_000], users: 100, everyone: 2_000 }
  : { sessions: [1_000, 10_000, 100_000, 1_000_000], logins: [1, 10, 1_000, 100_000], users: 1_000, everyone: 100_000 };
/** A kick of few logins takes so short that a slice is the median of several. */
const KICKS_OF_A_SLICE = 10;
/** What takes seconds is repeated less often. */
const roundsFor = (logins) => Math.min(options.rounds, logins >= 100_000 ? 3 : logins >= 1_000 ? 10 : Infinity);
const count = (number) => number.toLocaleString("en");

let names = 0;
const newName = () => `name${(names += 1)}`;

const sites = [];
try {
  const open = async (sessions, start = startKickSite) => {
    note(`${count(sessions)} sessions …`);
    sites.push(await start(sessions));
    return sites.at(-1);
  };
  const among = [];
  for (const sessions of sizes.sessions) among.push(await open(sessions));
  // The leftovers of many logins in Redis slow down every walk over all keys. Such logins have their own sites.
  const few = await open(sizes.sessions[0]);
  const siteOf = new Map();
  for (const logins of sizes.logins) siteOf.set(logins, logins <= 10 ? few : await open(sizes.sessions[0]));
  const smallest = among[0];
  const largest = among.at(-1);
  const middle = among.findLast(({ sessions }) => sessions <= 100_000);
  const slices = [
    ...among.flatMap((site) => slicesAmong(site)),
    ...sizes.logins.flatMap((logins) => slicesOfOneUser(siteOf.get(logins), logins)),
    ...slicesOfManyUsers(middle),
    ...slicesOnSqlite(await open(middle.sessions, startSqliteKickSite)),
  ];
  // A process that has just started is slow.
  for (const { run, isSlow } of slices) if (!isSlow) await run();
  await runRounds({
    ...options,
    slices,
    run: async ({ run, rounds, results }, round) => {
      if (round < rounds) results.push(await run());
    },
    onRound: (round) => note(`round ${round + 1} of ${options.rounds}`),
  });
  // Last, since no user remains.
  for (const slice of slicesOfEveryone(middle)) {
    for (let round = 0; round < slice.rounds; round += 1) slice.results.push(await slice.run());
    slices.push(slice);
  }

  print({
    bench: "kick",
    method: `${options.rounds} rounds in shuffled order (fewer of what takes seconds): medians; ratios: medians of the paired ratios (quartiles).`,
    options,
    rows: slices.map((slice) => rowOf(slice, slices, { smallest, largest })),
  });
} finally {
  for (const site of sites) await site.close();
}

function slice(site, kicked, arm, rounds, run, isSlow = false) {
  return { site, kicked, arm, rounds, run, isSlow, results: [] };
}

/** One user with two logins: does it matter how many others there are? */
function slicesAmong(site) {
  const kicked = "1 user, 2 logins";
  const isMany = site.sessions >= 100_000;
  return [
    slice(site, kicked, "express-logout", options.rounds, () => kickFew(site, site.package, 2)),
    slice(
      site,
      kicked,
      "naive",
      isMany ? Math.min(options.rounds, 3) : roundsFor(1_000),
      () => kickOne(site, site.naive, 2),
      isMany,
    ),
  ];
}

function slicesOfOneUser(site, logins) {
  const kicked = `1 user, ${count(logins)} login${logins === 1 ? "" : "s"}`;
  const rounds = roundsFor(logins);
  const isSlow = logins >= 100_000;
  const isFew = logins <= 10;
  const kick = (arm) => () => (isFew ? kickFew(site, arm, logins) : kickOne(site, arm, logins));
  return [
    slice(site, kicked, "floor", rounds, () => deleteAll(site, logins), isSlow),
    slice(site, kicked, "express-logout", rounds, kick(site.package), isSlow),
    slice(site, kicked, "naive", Math.min(rounds, 10), () => kickOne(site, site.naive, logins), isSlow),
    slice(site, kicked, "better-auth", rounds, () => kickPeer(site, [1], logins), isSlow),
  ];
}

function slicesOfManyUsers(site) {
  const kicked = `${count(sizes.users)} users, 3 logins each`;
  const rounds = Math.min(options.rounds, 10);
  const many = (kick) => () => kickMany(site, 3, kick);
  const naive = many((users) => site.naive.ask("time", "kick", users));
  const peers = Array.from({ length: sizes.users }, (_value, number) => number);
  return [
    slice(site, kicked, "floor", rounds, () => deleteAll(site, sizes.users * 3)),
    slice(
      site,
      kicked,
      "express-logout",
      rounds,
      many((users) => kickByHttp(site.package, users)),
    ),
    slice(site, kicked, "naive", Math.min(rounds, 3), naive, true),
    slice(site, kicked, "better-auth", Math.min(rounds, 3), () => kickPeer(site, peers, 3), true),
  ];
}

function slicesOnSqlite(site) {
  const kicked = `${count(sizes.users)} users, 1 login each, on SQLite`;
  const kick = () => kickMany(site, 1, (users) => kickByHttp(site.package, users));
  return [
    slice(site, kicked, "floor", options.rounds, () => deleteAll(site, sizes.users)),
    // A store of express-session deletes one session at a time: no kick of a package can be faster than this.
    slice(site, kicked, "destroy()", options.rounds, () => deleteAll(site, sizes.users, "destroyEach")),
    slice(site, kicked, "express-logout", options.rounds, kick),
  ];
}

/** Kicks new users, in one call. */
async function kickMany(site, logins, kick) {
  const name = newName();
  const sids = await addUsers(site, { name, users: sizes.users, logins });
  const ms = await kick(Array.from({ length: sizes.users }, (_value, number) => `${name}-${number}`));
  if (await site.package.ask("isServed", sids.at(-1))) throw new Error("A kicked user is served.");
  await clearAway(site, sids);
  return ms;
}

function slicesOfEveryone(site) {
  const kicked = `everyone of ${count(sizes.everyone)}`;
  const rounds = Math.min(options.rounds, 3);
  const everyone = async (arm) => {
    await site.client.flushDb();
    await addUsers(site, { name: newName(), users: sizes.everyone });
    return arm.ask("time", "kickAll");
  };
  return [
    slice(site, kicked, "floor", rounds, () => deleteAll(site, sizes.everyone)),
    slice(site, kicked, "express-logout", rounds, () => everyone(site.package)),
    slice(site, kicked, "naive", 1, () => everyone(site.naive)),
  ];
}

async function kickOne(site, arm, logins) {
  const name = newName();
  const sids = await addUsers(site, { name, users: 1, logins });
  const ms = await arm.ask("time", "kick", `${name}-0`);
  if (await site.package.ask("isServed", sids.at(-1))) throw new Error(`${arm.name}: a kicked user is served.`);
  await clearAway(site, sids);
  return ms;
}

async function kickFew(site, arm, logins) {
  const times = [];
  for (let kick = 0; kick < KICKS_OF_A_SLICE; kick += 1) times.push(await kickOne(site, arm, logins));
  return quantile(times, 0.5);
}

/** This package leaves in a session why it ended: that must not be in the way of the naive kick, which walks everything. */
async function clearAway(site, sids) {
  await site.floor.ask("deleteAll", sids);
}

async function deleteAll(site, sessions, how = "deleteAll") {
  const sids = await addUsers(site, { name: newName(), users: sessions });
  return site.floor.ask("time", how, sids);
}

async function kickPeer(site, numbers, logins) {
  const users = numbers.map((number) => `peer-${number}`);
  for (const user of users) await site.peer.ask("addSessions", user, logins);
  const ms = await site.peer.ask("time", "kick", users);
  if ((await site.peer.ask("countSessions", users[0])) > 0) throw new Error("better-auth: a kicked user has sessions.");
  return ms;
}

function rowOf({ site, kicked, arm, results }, slices, { smallest, largest }) {
  const row = { kicked, arm, sessions: site.sessions, ms: spread(results).median, times: results.length };
  const find = (wanted) =>
    slices.find((other) => other.kicked === kicked && other.arm === wanted.arm && other.site === (wanted.site ?? site));
  const compare = (wanted, to) => {
    const base = find(wanted)?.results ?? [];
    const times = Math.min(base.length, results.length);
    return times === 0 ? {} : { ratio: pairedRatios(results.slice(0, times), base.slice(0, times)), to };
  };
  const judge = (compared, isWithin) => ({
    ...row,
    ...compared,
    ...(options.quick ? {} : isWithin(compared.ratio.interval)),
  });
  if (kicked === "1 user, 2 logins") {
    if (arm === "naive") {
      const compared = compare({ arm: "express-logout" }, "÷ express-logout");
      return site === largest ? judge(compared, (ratio) => atLeast(ratio, 1_000)) : { ...row, ...compared };
    }
    if (site === smallest) return row;
    const compared = compare({ arm, site: smallest }, `÷ ${count(smallest.sessions)} sessions`);
    return site === largest ? judge(compared, (ratio) => atMost(ratio, 1.5)) : { ...row, ...compared };
  }
  if (arm === "floor") return row;
  const compared = compare({ arm: "floor" }, "÷ floor");
  const limit = arm === "express-logout" ? limitOf(kicked) : undefined;
  return limit === undefined ? { ...row, ...compared } : judge(compared, (ratio) => atMost(ratio, limit));
}

/** How long a kick may take, ÷ floor. */
function limitOf(kicked) {
  if (kicked.endsWith("on SQLite")) return 3;
  if (kicked.startsWith("everyone")) return 2.5;
  return kicked === "1 user, 1 login" || kicked.includes("users") ? 2 : undefined;
}
