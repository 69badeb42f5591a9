// The proof under load, as a command. See `npm run test:faults`.
import { parseArgs } from "node:util";
import { countsOf } from "./report.js";
import { run } from "./run.js";

const { values } = parseArgs({ options: { minutes: { type: "string" }, seed: { type: "string" } } });
const minutes = Number(values.minutes ?? 10);
const seed = Number(values.seed ?? Date.now() % 2 ** 32);
/** Caches of 10,000 sessions fill meanwhile, by design; a leak in every request is far more. */
const MOST_HEAP_GROWTH_MB = 10;

/* eslint-disable no-console -- a command */
console.log(`${String(minutes)} minutes, --seed ${String(seed)}`);
const report = await run({
  seed,
  lastsMs: minutes * 60_000,
  longestFaultMs: 5_000,
  onProgress: (line) => console.log(line),
});
for (const [index, samples] of report.memory.entries()) console.log(`node ${String(index + 1)}: ${samples.summary}`);
const isFlat = report.memory.every(({ heapGrowth }) => minutes < 5 || heapGrowth < MOST_HEAP_GROWTH_MB);
if (!isFlat) console.log(`The heap grows by more than ${String(MOST_HEAP_GROWTH_MB)} MB in ten minutes.`);
for (const { rule, what } of report.violations.slice(0, 100)) console.log(`${rule}: ${what}`);
console.log(countsOf(report));
process.exitCode = report.violations.length === 0 && isFlat ? 0 : 1;
