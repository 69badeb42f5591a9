import { Copies } from "./copies.mjs";
import { openSqlite } from "./sqlite-store.mjs";
import { connectionOf } from "./places.mjs";
import { startRedis } from "./redis.mjs";
import { SqliteCopies } from "./sqlite-copies.mjs";
import { startArm } from "./start-arm.mjs";
import { temporaryFolder } from "./temporary-folder.mjs";

const TOKEN = "only-for-the-bench";
const BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

/** The settings with which the package is kicked by HTTP. */
const options = { admin: { userPoolId: "bench", tokens: [TOKEN] } };

/** A Redis with so many sessions, and the processes that kick there: the package, the naive way, the floor, better-auth. */
export async function startKickSite(sessions) {
  const redis = await startRedis();
  const start = (name, module, prefix, more) =>
    startArm({ name, module, settings: { redisPort: redis.port, prefix, ...more } });
  const arms = {
    package: await start("express-logout", "express-logout", "site:", { options }),
    naive: await start("all() and destroy()", "bare", "site:"),
    floor: await start("DELs in one pipeline", "deletes", "site:"),
    peer: await start("better-auth", "better-auth", "peer:"),
  };
  const original = await logInOriginal(arms.package);
  const copies = await Copies.of(redis.client, original);
  return filledSite({
    sessions,
    arms,
    original,
    copies,
    client: redis.client,
    close: () => redis.close(),
  });
}

/** The same in an SQLite file, where only the package and the floor kick. */
export async function startSqliteKickSite(sessions) {
  const folder = temporaryFolder();
  const settings = { place: "sqlite", options };
  const connection = connectionOf(settings, { folder: folder.path }, "site");
  const start = (name, module) => startArm({ name, module, settings: { ...settings, ...connection } });
  const arms = {
    package: await start("express-logout", "express-logout"),
    floor: await start("DELETEs in one transaction", "deletes"),
  };
  const original = await logInOriginal(arms.package);
  const database = openSqlite(connection.file);
  const close = () => {
    database.close();
    folder.remove();
  };
  return filledSite({ sessions, arms, original, copies: new SqliteCopies(database, original), close });
}

async function filledSite({ arms, original, close, ...site }) {
  await arms.package.ask("kick", original.userId);
  await addUsers({ ...site, ...arms }, { name: "crowd", users: site.sessions });
  return {
    ...site,
    ...arms,
    close: async () => {
      for (const arm of Object.values(arms)) await arm.close();
      await close();
    },
  };
}

/** Users who are online; whether they are is asked of the package. @returns their session ids */
export async function addUsers({ copies, package: arm }, { name, users, logins = 1 }) {
  const sid = await copies.write({ name, users, logins });
  const count = users * logins;
  for (const number of [0, count - 1]) {
    if (!(await arm.ask("isServed", sid(number)))) throw new Error(`A copied session of ${name} is not served.`);
  }
  const { total } = await arm.ask("logins", `${name}-${users - 1}`);
  if (total !== logins) throw new Error(`A user of ${name} has ${total} logins, not ${logins}.`);
  return Array.from({ length: count }, (_value, number) => sid(number));
}

/** In one HTTP call, as a back end does it. @returns how long it took, in milliseconds */
export async function kickByHttp({ origin }, userIds) {
  const headers = { Authorization: TOKEN, "x-authing-userpool-id": "bench", "Content-Type": "application/json" };
  const url = `${origin}/api/applications/bench/kick-active-users`;
  const body = JSON.stringify({ userIds });
  const began = performance.now();
  const response = await fetch(url, { method: "POST", headers, body });
  const text = await response.text();
  const ms = performance.now() - began;
  if (!response.ok) throw new Error(`The kick was answered ${response.status}: ${text}`);
  return ms;
}

/** One login as a browser makes it. */
export async function logInOriginal(arm) {
  const userId = "the-original-user";
  const response = await fetch(`${arm.origin}/log-in?user=${userId}`, { headers: { "User-Agent": BROWSER } });
  const cookie = decodeURIComponent(response.headers.getSetCookie()[0]);
  const [, sid] = /=s:([^.]+)\./.exec(cookie);
  const {
    items: [{ id: loginId }],
  } = await arm.ask("logins", userId);
  return { userId, loginId, sid };
}
