// npm run bench:logout-tokens: how soon one node answers the logout tokens of an identity provider, many a second.
import { once } from "node:events";
import { Agent, request } from "node:http";
import { performance } from "node:perf_hooks";
import { text } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { cookieOf } from "./support/arm.mjs";
import { startOpenIdProvider } from "./support/openid-provider.mjs";
import { readOptions } from "./support/options.mjs";
import { note, print } from "./support/print.mjs";
import { startRedis } from "./support/redis.mjs";
import { quantile } from "./support/rounds.mjs";
import { startArm } from "./support/start-arm.mjs";

/** Providers wait for about 2.5 seconds; the receivers answer within this time. */
const MOST_MS = 1_500;
const OTHERS = 200;
const AT_ONCE = 32;
const options = readOptions({ rounds: 10, quickRounds: 1 });
const rates = options.quick ? [100] : [100, 300, 1_000];
/** One round is a second. */
const seconds = options.rounds;

const agent = new Agent({ keepAlive: true, maxSockets: 256 });
const provider = await startOpenIdProvider();
const redis = await startRedis();
const { issuer, jwksUri, clientId } = provider;
const settings = { redisPort: redis.port, issuer, jwksUri, clientId };
const node = await startArm({ name: "an app with an identity provider", module: "oidc-node", settings });
try {
  const others = await logInAll("other", OTHERS);
  const rows = [];
  for (const rate of rates) {
    note(`${rate} tokens a second …`);
    const leaving = await logInAll(`user-${rate}`, rate * seconds);
    rows.push(await measure(rate, leaving, others));
  }
  print({
    bench: "logout-tokens",
    method: `${seconds} seconds a rate, requests at fixed times, however long the answers take.`,
    options,
    rows,
  });
} finally {
  agent.destroy();
  await node.close();
  await redis.close();
  provider.close();
}

/** Logs users in, each in a session of the provider's own, and signs the token that ends it. */
async function logInAll(name, count) {
  return mapLimit(
    Array.from({ length: count }, (_value, index) => ({ sub: `${name}-${index}`, sid: `${name}-session-${index}` })),
    async ({ sub, sid }) => {
      const iat = Math.floor(Date.now() / 1_000);
      const query = new URLSearchParams({ sub, sid, iat: String(iat) });
      const cookie = cookieOf(await fetch(`${node.origin}/company-log-in?${query}`));
      return { sub, cookie, token: await provider.logoutToken(sub, { sid, lifetime: "9m" }) };
    },
  );
}

async function measure(rate, leaving, others) {
  const tokens = paced(leaving, 1_000 / rate, ({ token }) => post(token));
  const requests = paced(repeated(others, seconds), 1_000 / OTHERS, visit);
  const [answers, visits] = await Promise.all([tokens, requests]);
  const served = await mapLimit(leaving, visit);
  const times = answers.map(({ ms }) => ms);
  const p99Ms = quantile(times, 0.99);
  const refused = answers.filter(({ status }) => status !== 204).length;
  const stillServed = served.filter(({ isServed }) => isServed).length;
  const othersRefused = visits.filter(({ isServed }) => !isServed).length;
  return {
    rate,
    seconds,
    p50Ms: quantile(times, 0.5),
    p99Ms,
    maxMs: Math.max(...times),
    refused,
    stillServed,
    othersP99Ms: quantile(
      visits.map(({ ms }) => ms),
      0.99,
    ),
    othersRefused,
    target: `p99 ≤ ${MOST_MS} ms, no wrong refusal`,
    met: p99Ms <= MOST_MS && refused + stillServed + othersRefused === 0,
  };
}

function repeated(items, times) {
  return Array.from({ length: times }, () => items).flat();
}

/** Begins a call at each interval, whether or not the others have ended. */
async function paced(items, intervalMs, call) {
  const began = performance.now();
  const calls = [];
  for (const [index, item] of items.entries()) {
    const aheadMs = began + index * intervalMs - performance.now();
    if (aheadMs > 1) await setTimeout(aheadMs);
    calls.push(call(item));
  }
  return Promise.all(calls);
}

async function post(token) {
  const body = new URLSearchParams({ logout_token: token }).toString();
  const headers = { "Content-Type": "application/x-www-form-urlencoded", "Content-Length": Buffer.byteLength(body) };
  return send("POST", "/oidc/backchannel-logout", { headers, body });
}

async function visit({ sub, cookie }) {
  const { ms, status, body } = await send("GET", "/me", { headers: { cookie } });
  return { ms, isServed: status === 200 && body === sub };
}

async function send(method, path, { headers, body }) {
  const began = performance.now();
  const sent = request(node.origin + path, { method, headers, agent }).end(body);
  const [response] = await once(sent, "response");
  const answer = await text(response);
  return { ms: performance.now() - began, status: response.statusCode, body: answer };
}

async function mapLimit(items, work) {
  const results = [];
  const queue = items.entries();
  const worker = async () => {
    for (const [index, item] of queue) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}
