// Random histories for as long as it takes: 100,000, or as many as the first argument says, shared out among the cores. The second
// argument is a seed: with the same one, and as many cores, the same histories are drawn again.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

const wanted = Number(process.argv[2] ?? 100_000);
const seed = Number(process.argv[3] ?? Math.floor(Math.random() * 2 ** 24));
if (!Number.isInteger(wanted) || !Number.isInteger(seed) || wanted < 1) {
  console.error("usage: npm run test:long -- [histories] [seed], both whole numbers");
  process.exit(2);
}
const cores = availableParallelism();
const folder = mkdtempSync(join(tmpdir(), "express-logout-histories-"));
process.on("exit", () => {
  rmSync(folder, { recursive: true, force: true });
});

const JEST = ["node_modules/jest/bin/jest.js", "--selectProjects", "unit", "--testPathPatterns", "proof/histories"];

/** Each core has a seed of its own, made of the given one, so that it lives through other histories than the rest. */
const runs = Array.from({ length: cores }, async (_, core) => {
  const counts = join(folder, `${core}.json`);
  const env = {
    ...process.env,
    HISTORIES: String(Math.ceil(wanted / cores)),
    HISTORIES_SEED: String(seed * cores + core),
    HISTORIES_COUNTS: counts,
  };
  const [status] = await once(spawn(process.execPath, JEST, { stdio: "inherit", env }), "exit");
  return { failed: status !== 0, counts: JSON.parse(readFileSync(counts, "utf8")) };
});

const ended = await Promise.all(runs);
const total = (name) => ended.reduce((sum, { counts }) => sum + counts[name], 0).toLocaleString("en");
// A core stops at its first violation.
const violations = ended.filter(({ failed }) => failed).length;
console.log(
  `seed ${seed}, cores ${cores}, histories ${total("histories")}, interleaved steps ${total("steps")}, requests ${total("requests")}, kicks ${total("kicks")}, violations = ${violations}`,
);
process.exitCode = violations === 0 ? 0 : 1;
