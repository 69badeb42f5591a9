import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "redis";
import { onFreePort } from "./free-port.js";

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** Ends it at once, as a crash does. */
  kill(): Promise<void>;
  /** Starts it again on the same port: empty, unless it was set to write its data. */
  restart(): Promise<void>;
  /** Ends the server at once, and removes its files. The server is empty when it starts again. */
  lose(): Promise<void>;
  /** Makes it hang, as a machine out of breath does, until {@link RedisServer.resume}. */
  pause(): void;
  resume(): void;
  /** Sends it one command. */
  ask(...command: string[]): Promise<unknown>;
  /** Ends it and removes its files. */
  stop(): Promise<void>;
}

const IN_MEMORY = ["--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0"];

/** A redis-server of the test's own, on a free port of the loopback address. */
export async function startRedis(settings: readonly string[] = []): Promise<RedisServer> {
  return start(() => [...IN_MEMORY, ...settings], "Ready to accept connections");
}

/** A sentinel that watches over the master on this port. */
export async function startSentinel(name: string, masterPort: number, quorum: number): Promise<RedisServer> {
  const conf = [
    `sentinel monitor ${name} 127.0.0.1 ${String(masterPort)} ${String(quorum)}`,
    `sentinel down-after-milliseconds ${name} 1500`,
    `sentinel failover-timeout ${name} 2000`,
  ];
  const args = (folder: string): string[] => {
    const file = join(folder, "sentinel.conf");
    writeFileSync(file, conf.join("\n"));
    return [file, "--sentinel"];
  };
  return start(args, "+monitor master");
}

async function start(args: (folder: string) => string[], started: string): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), "express-logout-redis-"));
  const launch = (port: number): Promise<ChildProcess> =>
    spawned([...args(folder), "--port", String(port), "--bind", "127.0.0.1", "--dir", folder], started);
  const launched = await onFreePort(async (port) => ({ port, process: await launch(port) }));
  const { port } = launched;
  let { process } = launched;
  const kill = async (): Promise<void> => {
    if (process.exitCode !== null || process.signalCode !== null) return;
    const exited = once(process, "exit");
    process.kill("SIGKILL");
    await exited;
  };
  const url = `redis://127.0.0.1:${String(port)}`;
  return {
    url,
    port,
    kill,
    restart: async () => {
      await kill();
      process = await launch(port);
    },
    lose: async () => {
      await kill();
      for (const file of readdirSync(folder)) rmSync(join(folder, file), { recursive: true });
    },
    pause: () => {
      process.kill("SIGSTOP");
    },
    resume: () => {
      process.kill("SIGCONT");
    },
    ask: async (...command) => {
      const client = await connectTo({ url });
      try {
        return await client.sendCommand(command);
      } finally {
        client.destroy();
      }
    },
    stop: async () => {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A client for tests. The end of its server shows in its calls. */
export async function connectTo({ url }: { readonly url: string }) {
  const client = createClient({ url, RESP: 2 });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

/** Asks again and again until the answer is right. */
export async function until(isTrue: () => Promise<boolean>, whatFor: string, limitMs = 20_000): Promise<void> {
  const end = Date.now() + limitMs;
  while (!(await isTrue())) {
    if (Date.now() > end) throw new Error(`waited in vain for ${whatFor}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Repeats a failing call until it succeeds: a client needs a while to find its server again. */
export async function eventually<Result>(act: () => Promise<Result>): Promise<Result> {
  const results: Result[] = [];
  const succeeds = async (): Promise<boolean> =>
    act().then(
      (result) => results.push(result) > 0,
      () => false,
    );
  await until(succeeds, "an answer", 30_000);
  return results[0] as Result;
}

async function spawned(args: readonly string[], started: string): Promise<ChildProcess> {
  const server = spawn("redis-server", args, { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise<void>((resolve, reject) => {
    let log = "";
    server.stdout.on("data", (chunk: Buffer) => {
      log += chunk.toString();
      if (log.includes(started)) resolve();
    });
    server.once("error", reject);
    server.once("exit", (code) => {
      reject(new Error(`redis-server ended with ${String(code)}: ${log}`));
    });
  });
  return server;
}
