// Kicks users by a call for each, and writes the metrics of its own process. The arguments: the URL of Redis, the numbers of the first
// user and of the one after the last, and how many kicks all processes make. It hears them all, as every process does.
import { once } from "node:events";
import process from "node:process";
import { setImmediate } from "node:timers/promises";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { RedisStore } from "connect-redis";
import { logout } from "express-logout";
import { instrument } from "express-logout/opentelemetry";
import { RedisLoginRegistry } from "express-logout/redis";
import { createClient } from "redis";

const [url, from, to, total] = process.argv.slice(2);
const client = await createClient({ url }).connect();
const auth = logout({ store: new RedisStore({ client }), registry: new RedisLoginRegistry({ client }), appId: "shop" });
const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
const stop = instrument(auth, { meterProvider: new MeterProvider({ readers: [reader] }) });

let heard = 0;
const heardAll = new Promise((resolve) => {
  auth.on("kick", () => {
    heard += 1;
    if (heard === Number(total)) resolve();
  });
});
// Both processes listen before one of them kicks.
while ((await auth.health()).notifications !== "connected") await setImmediate();
process.stdout.write("ready\n");
await once(process.stdin, "data");
for (let user = Number(from); user < Number(to); user += 1) await auth.kick(user);
await heardAll;
const { resourceMetrics } = await reader.collect();
const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
const points = (name) => metrics.find(({ descriptor }) => descriptor.name === name).dataPoints;
const kicked = points("express_logout.kicked_logins").reduce((sum, { value }) => sum + value, 0);
const kicks = points("express_logout.kick.duration").reduce((sum, { value }) => sum + value.count, 0);
process.stdout.write(`${JSON.stringify({ heard, kicked, kicks })}\n`);
stop();
await auth.close();
client.destroy();
process.exit(0);
