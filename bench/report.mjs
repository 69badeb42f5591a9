// npm run bench:report: writes docs/performance.md, its charts and README's line of figures from the rows in a folder, and measures
// first what has none.
//   node bench/report.mjs [--rows FOLDER] [--measure] [--quick]
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { CHARTS } from "./support/charts.mjs";
import { headline, sentence } from "./support/headline.mjs";
import { note } from "./support/print.mjs";
import { TABLES } from "./support/tables.mjs";

const { values: options } = parseArgs({
  options: {
    rows: { type: "string", default: "bench/rows" },
    measure: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
  },
});

const METHOD = `- A figure is a ratio between arms that were measured in one run: the machine, and what else it does, is then the same for all.
- Every arm is a process of its own, started anew after every second round by \`bench:request\`: of the same code one may be faster than the next. Arms on express-session run the same app; peers run the real package.
- A slice is a second of load on one arm. A round has one slice of every arm, in an order shuffled anew; the seed is printed.
- What is told is the median of the ratios within rounds, with its quartiles in parentheses: half of the rounds are in between.
- The load is wrk's: one thread, 16 connections (4 where Redis is far), 200 users in turn, on the same machine as the app and Redis.
- Before the first slice and after the last, each arm is checked: a user is answered as himself, and one who was kicked is refused.
- Redis commands are counted by Redis over 100 requests one after the other, so they are exact; what scripts call counts.
- Many logins are copies, in Redis, of one that the package has made; the package is asked whether it finds and serves them.
- A kick is timed in the process that kicks, from the call to the answer; the kick in one HTTP call, from the request to the answer.
- One clock serves both nodes of the live measurement; a socket is closed once the holding node has seen it close.`;

/** What else was measured of it. */
const MISSED = `- **Requests of nobody, on MemoryStore.** They cost what an empty middleware does: the path and the request are looked at, which
  takes about a microsecond. Over a day four runs of all arms had 1.02, 1.02, 0.97 and 0.96, and the same with Redis 0.94, 0.99, 0.94
  and 0.99. A process that waits for the slices of 32 others begins slowly, and not always equally so: measured beside its base alone
  (\`npm run bench:request -- --arm "express-logout, MemoryStore"\`) it had 0.996 (0.981–1.022) on that day.`;

mkdirSync(options.rows, { recursive: true });
mkdirSync("docs/images", { recursive: true });
const rows = Object.fromEntries(Object.keys(TABLES).map((bench) => [bench, rowsOf(bench)]));
const sections = Object.keys(TABLES).map((bench) => section(bench, rows[bench]));
const page = `# Performance

Written by \`npm run bench:report\`: change the benches, not this page. Each section is one command, \`npm run bench:request\`,
\`latency\`, \`kick\`, \`scale\` or \`live\`; all take \`--quick\`, \`--rounds\`, \`--seed\`, \`--arm\` and \`--json\`, and need \`redis-server\`
and \`wrk\` (Debian: \`apt-get install redis-server wrk\`).

## In short

${headline(rows)}

## Method

${METHOD}

${sections.join("\n")}
## Where a target is missed

${MISSED}
`;
writeFileSync("docs/performance.md", page);
format("docs/performance.md");

const readme = readFileSync("README.md", "utf8");
const line = /^Logged-in requests per second ÷ .*$/m;
if (!line.test(readme)) throw new Error("README.md has no line of figures to replace.");
writeFileSync(
  "README.md",
  readme.replace(line, () => sentence(rows)),
);
format("README.md");

function rowsOf(bench) {
  const file = join(options.rows, `${bench}.jsonl`);
  if (options.measure || !existsSync(file)) {
    note(`Measuring: ${bench} …`);
    const args = [`bench/${bench}.mjs`, "--json", ...(options.quick ? ["--quick"] : [])];
    const { status, stdout } = spawnSync(process.execPath, args, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    });
    if (status !== 0) throw new Error(`bench:${bench} failed.`);
    writeFileSync(file, stdout);
  }
  return readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

function section(bench, rows) {
  const { title, explanation, columns } = TABLES[bench];
  const [{ date, commit, machine, versions, method, seed, quick }] = rows;
  const chart = `performance-${bench}.svg`;
  const isMeasured = rows.some(({ unavailable }) => unavailable === undefined);
  if (isMeasured) writeFileSync(join("docs/images", chart), CHARTS[bench](rows));
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return `## ${title}

${explanation}

${isMeasured ? `![${title}](images/${chart})\n` : ""}
${line(columns.map(({ name }) => name))}
${line(columns.map(() => "---"))}
${rows.map((row) => line(columns.map(({ of }) => of(row) ?? ""))).join("\n")}

Measured on ${date} at commit ${commit} on ${machine}; ${versions}. ${method} Seed ${seed}.${quick ? " A quick run: the figures are rough." : ""}
`;
}

function format(file) {
  spawnSync(process.execPath, ["node_modules/prettier/bin/prettier.cjs", "--write", "--log-level", "warn", file], {
    stdio: "inherit",
  });
}
