// The pages in every combination of states and conditions, and 500 clicks of an administrator among 20,000 users on Redis, of whom one has
// 2,000 logins, for a minute: `npm run test:pages`. `npm test` tries every pair, and fewer clicks. The argument `clicks` or `states` does
// one of the two.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { jest } from "./suites.mjs";

const [only] = process.argv.slice(2);
if (only !== undefined && only !== "clicks" && only !== "states") {
  console.error("usage: npm run test:pages -- [clicks | states]");
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), "express-logout-pages-"));
process.on("exit", () => {
  rmSync(folder, { recursive: true, force: true });
});

async function passes(suite, env) {
  const began = Date.now();
  const args = [...jest("browser", `browser/${suite}`), "--silent=false"];
  const [status] = await once(
    spawn(process.execPath, args, { stdio: "inherit", env: { ...process.env, ...env } }),
    "exit",
  );
  return { isPassed: status === 0, seconds: ((Date.now() - began) / 1_000).toFixed(0) };
}

const read = (file) => JSON.parse(readFileSync(file, "utf8"));
let failed = 0;

if (only !== "states") {
  const file = join(folder, "clicks.json");
  const { isPassed } = await passes("pointer", {
    CLICKS: "500",
    CLICKS_SECONDS: "60",
    CLICKS_USERS: "20000",
    CLICKS_LOGINS: "2000",
    CLICKS_COUNTS: file,
  });
  failed += Number(!isPassed);
  console.log(
    Object.entries(read(file))
      .map(([name, count]) => `${name} ${Math.round(count).toLocaleString("en")}`)
      .join(", "),
  );
}

if (only !== "clicks") {
  // Each core has its share of the states.
  const shares = availableParallelism();
  const runs = Array.from({ length: shares }, async (_, share) => {
    const file = join(folder, `states-${share}.json`);
    const env = { PAGES: "all", PAGES_SHARE: `${share}/${shares}`, PAGES_COUNTS: file };
    const { isPassed, seconds } = await passes("states", env);
    return { isPassed, seconds, ...read(file) };
  });
  const ended = await Promise.all(runs);
  const total = (name) => ended.reduce((sum, run) => sum + run[name], 0).toLocaleString("en");
  failed += ended.filter(({ isPassed }) => !isPassed).length;
  console.log(
    `states ${total("states")}, combinations ${total("combinations")}, problems ${total("problems")}, seconds ${ended.map(({ seconds }) => seconds).join(" and ")}`,
  );
}
process.exitCode = failed === 0 ? 0 : 1;
