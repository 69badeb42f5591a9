import { Agent, get } from "node:http";
import { setTimeout } from "node:timers/promises";

const CONNECTIONS = 16;
/** Work that an arm does after its responses, such as a touch, ends within this time. */
const SETTLE_MS = 15;

/**
 * Sends a fixed number of requests over 16 connections that are kept open.
 *
 * @param cookies - sent in turn; `undefined`: none
 * @returns the CPU time of the arm's process, user and system, in microseconds a request
 */
export class Burst {
  #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  #url;
  #cookies;
  #ask;
  #sent = 0;

  constructor(url, cookies, ask) {
    this.#url = url;
    this.#cookies = cookies;
    this.#ask = ask;
  }

  async run(requests) {
    const before = await this.#ask("cpuMicros");
    let left = requests;
    const worker = async () => {
      while (left > 0) {
        left -= 1;
        await this.#request();
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, worker));
    await setTimeout(SETTLE_MS);
    return ((await this.#ask("cpuMicros")) - before) / requests;
  }

  #request() {
    const cookie = this.#cookies[this.#sent++ % this.#cookies.length];
    const headers = cookie === undefined ? {} : { cookie };
    return new Promise((resolve, reject) => {
      const request = get(this.#url, { agent: this.#agent, headers }, (response) => {
        if (response.statusCode !== 200) reject(new Error(`${this.#url}: ${response.statusCode}`));
        response.resume().once("end", resolve).once("error", reject);
      });
      request.once("error", reject);
    });
  }

  close() {
    this.#agent.destroy();
  }
}
