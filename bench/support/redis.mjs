import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { createClient } from "redis";

/** A free port, below the ports that systems give to clients. */
export async function freePort() {
  for (;;) {
    const port = randomInt(15_000, 32_000);
    const server = createServer().listen(port, "127.0.0.1");
    try {
      await once(server, "listening");
    } catch {
      continue;
    }
    server.close();
    await once(server, "close");
    return port;
  }
}

/** A Redis of the bench's own, with these settings, and a client that is not measured. */
export async function startRedis(...settings) {
  const folder = mkdtempSync(join(tmpdir(), "express-logout-bench-"));
  const port = await freePort();
  const args = ["--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", folder, ...settings];
  const server = spawn("redis-server", args, { stdio: ["ignore", "pipe", "inherit"] });
  server.on("error", () => {
    throw new Error("redis-server is not installed: on Debian, apt-get install redis-server.");
  });
  await once(server.stdout, "data");
  server.stdout.resume();
  const client = await createClient({ url: `redis://127.0.0.1:${port}` }).connect();
  return {
    port,
    client,
    close: async () => {
      client.destroy();
      server.kill();
      await once(server, "exit");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** How many commands Redis runs for this work; those that scripts run are among them. */
export async function countCommands(client, work) {
  await idle(client);
  const before = await commandCalls(client);
  await work();
  // A session may be touched when its request has been answered.
  await idle(client);
  return (await commandCalls(client)) - before;
}

/** What an interrupted load has left on the way is none of the work that is counted. */
async function idle(client) {
  for (let calls = -1, earlier; calls !== earlier;) {
    earlier = calls;
    await setTimeout(50);
    calls = await commandCalls(client);
  }
}

/** How many commands Redis has run, those that scripts run among them. */
export async function commandCalls(client) {
  const info = await client.sendCommand(["INFO", "commandstats"]);
  return [...info.matchAll(/^cmdstat_(?!info)[^:]+:calls=(\d+)/gm)].reduce((sum, [, calls]) => sum + Number(calls), 0);
}
