// How much longer the console's first page takes with 20,000 users online than with 20: both on one Redis of its own, asked
// by turns. Prints the median of the paired ratios with its quartiles.
import { once } from "node:events";
import process from "node:process";
import { RedisStore } from "connect-redis";
import express from "express";
import session from "express-session";
import { logout } from "express-logout";
import { RedisLoginRegistry } from "express-logout/redis";
import { showHelp } from "./support/options.mjs";
import { startRedis } from "./support/redis.mjs";

if (process.argv.includes("--help")) showHelp("  --quick      20 rounds in place of 200");
const ROUNDS = process.argv.includes("--quick") ? 20 : 200;
const FEW = 20;
const MANY = 20_000;

const redis = await startRedis();
const { client } = redis;

/** An application with so many users online, one of whom is the administrator that asks. */
async function application(appId, users) {
  const registry = new RedisLoginRegistry({ client });
  const store = new RedisStore({ client, prefix: `${appId}:` });
  const auth = logout({
    store,
    registry,
    appId,
    console: { authorize: () => true },
    pages: { describeUser: (id) => ({ name: `Name of ${id}` }) },
  });
  for (let done = 0; done < users; done += 1_000) {
    const some = Array.from({ length: Math.min(1_000, users - done) }, (_value, index) => `user-${done + index}`);
    await Promise.all(
      some.map((userId) => registry.add({ id: `login-${userId}`, userId, sid: userId, ttlMs: 3_600_000 })),
    );
  }
  const app = express().use(session({ store, secret: "s", resave: false, saveUninitialized: false }), auth);
  app.get("/login", (req, res) => {
    req.session.userId = "admin";
    req.session.save(() => res.end());
  });
  const server = app.listen(0);
  await once(server, "listening");
  const origin = `http://localhost:${server.address().port}`;
  const [cookie] = (await fetch(`${origin}/login`)).headers.getSetCookie();
  const ask = async () => {
    const began = process.hrtime.bigint();
    const headers = { cookie: cookie.split(";")[0], accept: "text/html" };
    const page = await (await fetch(`${origin}/console/applications/${appId}/login-management`, { headers })).text();
    const ms = Number(process.hrtime.bigint() - began) / 1e6;
    const online = new Intl.NumberFormat("en").format(users + 1);
    if (!page.includes(`${online} users online`))
      throw new Error(`The page of ${appId} does not say ${online} users online.`);
    return ms;
  };
  return { ask, close: () => server.close() };
}

const quantile = (sorted, part) => sorted[Math.floor((sorted.length - 1) * part)];

try {
  const [few, many] = [await application("few", FEW), await application("many", MANY)];
  const pairs = [];
  for (let round = -10; round < ROUNDS; round += 1) {
    const order = round % 2 === 0 ? [few, many] : [many, few];
    const first = await order[0].ask();
    const second = await order[1].ask();
    if (round >= 0) pairs.push(order[0] === few ? { few: first, many: second } : { few: second, many: first });
  }
  const sorted = (of) => pairs.map(of).sort((a, b) => a - b);
  const ratios = sorted(({ few, many }) => many / few);
  const [low, median, high] = [0.25, 0.5, 0.75].map((part) => quantile(ratios, part).toFixed(2));
  console.log(`The console's first page, ${ROUNDS} rounds: ${MANY} users online ÷ ${FEW} users online`);
  console.log(`  median ${median} (quartiles ${low} to ${high}); it must stay under 2`);
  console.log(
    `  ${quantile(
      sorted((pair) => pair.many),
      0.5,
    ).toFixed(1)} ms ÷ ${quantile(
      sorted((pair) => pair.few),
      0.5,
    ).toFixed(1)} ms`,
  );
  few.close();
  many.close();
  process.exitCode = Number(median) < 2 ? 0 : 1;
} finally {
  await redis.close();
}
