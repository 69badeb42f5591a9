import { Agent, get } from "node:http";
import { performance } from "node:perf_hooks";
import { setTimeout } from "node:timers/promises";

const CONNECTIONS = 16;
/** Work that an arm does after its responses, such as a touch, ends within this time. */
const SETTLE_MS = 15;

/**
 * Sends a fixed number of requests over 16 connections that are kept open: one after the other on each, or at a fixed rate.
 *
 * @param requestOf - returns the `url` of a request by its number, and its `cookie`, if any
 * @returns the CPU time of the arm's process, user and system, in microseconds a request
 */
export class Burst {
  #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  #requestOf;
  #ask;
  #sent = 0;

  constructor(requestOf, ask) {
    this.#requestOf = requestOf;
    this.#ask = ask;
  }

  async run(requests, perSecond) {
    const before = await this.#ask("cpuMicros");
    await (perSecond === undefined ? this.#atOnce(requests) : this.#atRate(requests, perSecond));
    await setTimeout(SETTLE_MS);
    return ((await this.#ask("cpuMicros")) - before) / requests;
  }

  async #atOnce(requests) {
    let left = requests;
    const worker = async () => {
      while (left > 0) {
        left -= 1;
        await this.#request();
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  }

  /** Timers are exact to a millisecond or two, so the requests that are due by then are sent together. */
  async #atRate(requests, perSecond) {
    const began = performance.now();
    const answers = [];
    while (answers.length < requests) {
      const due = Math.min(requests, ((performance.now() - began) / 1_000) * perSecond);
      while (answers.length < due) answers.push(this.#request());
      await setTimeout(1);
    }
    await Promise.all(answers);
  }

  #request() {
    const { url, cookie } = this.#requestOf(this.#sent++);
    const headers = cookie === undefined ? {} : { cookie };
    return new Promise((resolve, reject) => {
      const request = get(url, { agent: this.#agent, headers }, (response) => {
        if (response.statusCode !== 200) reject(new Error(`${url}: ${response.statusCode}`));
        response.resume().once("end", resolve).once("error", reject);
      });
      request.once("error", reject);
    });
  }

  close() {
    this.#agent.destroy();
  }
}
