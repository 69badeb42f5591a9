import type { Memory } from "./node.js";

const EVERY_MS = 2_000;
const MEGABYTE = 1_048_576;

/** The memory of a process, looked at again and again: after its garbage has been collected. */
export class MemorySamples {
  readonly #samples: (Memory & { readonly at: number })[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(look: () => Promise<Memory>) {
    this.#timer = setInterval(() => {
      look().then(
        (memory) => this.#samples.push({ ...memory, at: performance.now() }),
        () => undefined,
      );
    }, EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** How many megabytes the heap gains in ten minutes, fitted to the samples after the first third. */
  get heapGrowth(): number {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined) return 0;
    const begin = first.at + (last.at - first.at) / 3;
    const points = this.#samples.filter(({ at }) => at >= begin).map(({ at, heapUsed }) => [at, heapUsed] as const);
    return (slope(points) * 600_000) / MEGABYTE;
  }

  get summary(): string {
    const heap = this.#samples.map(({ heapUsed }) => heapUsed / MEGABYTE);
    const rss = this.#samples.map(({ rss }) => rss / MEGABYTE);
    const range = (values: readonly number[]): string =>
      `${(values[0] ?? 0).toFixed(1)} to ${(values.at(-1) ?? 0).toFixed(1)}, at most ${Math.max(...values).toFixed(1)}`;
    return `heap ${range(heap)} MB, RSS ${range(rss)} MB, heap growth in 10 minutes ${this.heapGrowth.toFixed(2)} MB`;
  }
}

/** Of the line of least squares. */
function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const meanX = mean(points.map(([x]) => x));
  const meanY = mean(points.map(([, y]) => y));
  const covariance = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const variance = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  return variance === 0 ? 0 : covariance / variance;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
