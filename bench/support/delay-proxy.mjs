// In a process of its own: hands on what clients send to Redis so much later, in order, and the answers at once. Timers of
// Node count in whole milliseconds; a thread that waits for an instant counts in microseconds.
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { performance } from "node:perf_hooks";
import process from "node:process";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

const now = () => performance.timeOrigin + performance.now();

if (isMainThread) await serve(...process.argv.slice(2).map(Number));
else wake(workerData);

async function serve(redisPort, delayMs) {
  process.on("disconnect", () => process.exit());
  const clock = { due: new Float64Array(new SharedArrayBuffer(8)), bell: new Int32Array(new SharedArrayBuffer(4)) };
  const waiting = [];
  const waitForFirst = () => {
    clock.due[0] = waiting[0].due;
    Atomics.add(clock.bell, 0, 1);
    Atomics.notify(clock.bell, 0);
  };
  new Worker(new URL(import.meta.url), { workerData: clock }).on("message", () => {
    while (waiting.length > 0 && waiting[0].due <= now()) {
      const { redis, chunk } = waiting.shift();
      redis.write(chunk);
    }
    if (waiting.length > 0) waitForFirst();
  });
  const server = createServer({ noDelay: true }, (client) => {
    const redis = connect({ port: redisPort, host: "127.0.0.1", noDelay: true });
    client.on("data", (chunk) => {
      waiting.push({ redis, chunk, due: now() + delayMs });
      if (waiting.length === 1) waitForFirst();
    });
    redis.pipe(client);
    for (const [one, other] of [
      [client, redis],
      [redis, client],
    ]) {
      one.on("error", () => other.destroy()).on("close", () => other.destroy());
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  process.send({ port: server.address().port });
}

function wake({ due, bell }) {
  for (let heard = 0; ;) {
    Atomics.wait(bell, 0, heard);
    heard = Atomics.load(bell, 0);
    const silence = new Int32Array(new SharedArrayBuffer(4));
    for (let left = due[0] - now(); left > 0; left = due[0] - now()) Atomics.wait(silence, 0, 0, left);
    parentPort.postMessage("due");
  }
}
