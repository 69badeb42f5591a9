import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** @throws Error that says where wrk comes from. */
export function needWrk() {
  if (spawnSync("wrk", ["-v"]).error === undefined) return;
  throw new Error(
    "The load comes from wrk, which is not installed. Debian: apt-get install wrk. Others: https://github.com/wg/wrk",
  );
}

/** A set of requests that wrk repeats: the same path with each of these cookies (`undefined`: none) in turn. */
export class Load {
  #folder = mkdtempSync(join(tmpdir(), "express-logout-load-"));
  #url;
  #cookies;

  constructor(url, cookies) {
    this.#url = url;
    this.#cookies = cookies;
    writeFileSync(join(this.#folder, "cookies"), cookies.map((cookie) => `${cookie ?? "-"}\n`).join(""));
  }

  /** One slice. @returns how many requests a second were answered, and how long they took. */
  async run({ ms, connections }) {
    const cookies = join(this.#folder, "cookies");
    const args = ["-t1", `-c${connections}`, "-d60s", "-s", "bench/support/load.lua", this.#url, "--", cookies];
    const wrk = spawn("wrk", args, { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    wrk.stdout.setEncoding("utf8").on("data", (text) => (output += text));
    // It counts in whole seconds; if interrupted, it prints its counts so far.
    const timer = setTimeout(() => wrk.kill("SIGINT"), ms);
    await once(wrk, "close");
    clearTimeout(timer);
    const result = /^RESULT (.*)$/m.exec(output)?.[1];
    if (result === undefined) throw new Error(`wrk did not finish: ${output}`);
    const { requests, micros, p50, p99, refused, broken } = JSON.parse(result);
    if (refused + broken > 0) throw new Error(`${this.#url}: ${refused} requests refused, ${broken} broken.`);
    return { requests, requestsPerSecond: requests / (micros / 1e6), p50Ms: p50 / 1e3, p99Ms: p99 / 1e3 };
  }

  /** One request, outside of any slice. */
  async once(number) {
    const cookie = this.#cookies[number % this.#cookies.length];
    const response = await fetch(this.#url, { headers: cookie === undefined ? {} : { cookie } });
    await response.text();
  }

  close() {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
