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
import { showHelp } from "./support/options.mjs";
import { note } from "./support/print.mjs";
import { TABLES } from "./support/tables.mjs";

const { values: options } = parseArgs({
  options: {
    rows: { type: "string", default: "bench/rows" },
    measure: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (options.help)
  showHelp(
    "  --rows FOLDER   default: bench/rows\n  --measure       measures all anew\n  --quick         rough figures",
  );

const METHOD = `- A figure is a ratio between arms measured in one run, so the machine and its other load are the same for all.
- Each arm is a process of its own. \`bench:request\` restarts it after every second round, because one process may run the same code faster than the next. Arms on express-session run the same app; peers run the real package.
- A slice is a second of load on one arm. A round has one slice of every arm, in an order that is shuffled for each round; the seed is printed.
- The figure is the median of the ratios within rounds, with its quartiles in parentheses: half of the rounds lie between them. Of CPU time it is the geometric mean over the starts, with its 95 % interval.
- A target is met or missed by the 95 % interval of the figure, by bootstrap. Where the target lies within the interval, the run cannot judge it.
- \`bench:cpu\` binds the app to cores of its own, and compares the bare app with itself. If that is off by more than 0.02, the run says that the machine is too noisy.
- wrk makes the load: one thread, 16 connections (4 for a distant Redis), 200 users in turn, on the same machine as the app and Redis.
- Each arm is checked before the first slice and after the last: a user gets their own data, and a kicked user is rejected.
- Redis counts its commands over 100 sequential requests, so the counts are exact; commands that scripts call are included.
- Large numbers of logins are copies, in Redis, of one that the package has written; the package is checked to find and serve them.
- A kick is timed in the process that kicks, from the call to its return; a kick in one HTTP call, from the request to the response.
- Both nodes of the live measurement use one clock; a socket counts as closed once the node that holds it has seen it close.`;

/** What else was measured of the missed targets. */
const MISSED = `- **Anonymous requests on MemoryStore.** They cost as much as an empty middleware: checking the path and the request takes about a
  microsecond. On one day four runs of all arms gave 1.02, 1.02, 0.97 and 0.96, and the same with Redis 0.94, 0.99, 0.94 and 0.99. A
  process that waits for the slices of 32 others starts slowly, and by varying amounts. Measured next to its base alone
  (\`npm run bench:request -- --arm "express-logout, MemoryStore"\`) it gave 0.996 (0.981–1.022) on that day.`;

mkdirSync(options.rows, { recursive: true });
mkdirSync("docs/images", { recursive: true });
/** What needs more than a bench's name to run, such as another commit, is not on this page. */
const benches = Object.keys(CHARTS);
const rows = Object.fromEntries(benches.map((bench) => [bench, rowsOf(bench)]));
const sections = benches.map((bench) => section(bench, rows[bench]));
const page = `# Performance

\`npm run bench:report\` writes this page: change the benches, not the page. Each section is the output of one command,
\`npm run bench:cpu\`, \`request\`, \`latency\`, \`kick\`, \`scale\`, \`cluster\` or \`live\`. All say what they take with \`--help\`, and need \`redis-server\` and \`wrk\` (Debian: \`apt-get install redis-server wrk\`).

## In short

${headline(rows)}

## Method

${METHOD}

${sections.join("\n")}
## Missed targets

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
