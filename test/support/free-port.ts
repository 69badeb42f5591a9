import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/**
 * Below the ports that systems give to clients: no connection takes a port before its server is up, or while the server is
 * down. Each of Jest's workers has ports of its own, since all look for one at the same time.
 */
const FIRST = 15_000;
const OF_A_WORKER = 2_000;
const WORKERS = 8;
const ATTEMPTS = 5;

const given = new Set<number>();

/** A free port, which is given out once. */
export async function freePort(): Promise<number> {
  const worker = Number(process.env["JEST_WORKER_ID"] ?? 0) % WORKERS;
  for (;;) {
    const port = FIRST + worker * OF_A_WORKER + randomInt(OF_A_WORKER);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
}

/** Launches on a free port: one that was free may be another run's a moment later, then on another. */
export async function onFreePort<Server>(launch: (port: number) => Promise<Server>): Promise<Server> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await launch(await freePort());
    } catch (error) {
      if (attempt === ATTEMPTS || !String(error).includes("Address already in use")) throw error;
    }
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => {
      resolve(false);
    });
    server.listen(port, "127.0.0.1", () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}
