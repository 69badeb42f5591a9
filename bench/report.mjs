// npm run bench:report: writes docs/performance.md, its charts and README's few figures from the rows in a folder, and measures
// first what has none.
//   node bench/report.mjs [--rows FOLDER] [--measure] [--quick]
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { CHARTS } from "./support/charts.mjs";
import { headline } from "./support/headline.mjs";
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
- Every arm is a process of its own, started five times by \`bench:request\`: of the same code one may be faster than the next. Arms on express-session run the same app; peers run the real package.
- A slice is a second of load on one arm. A round has one slice of every arm, in an order shuffled anew; the seed is printed.
- What is told is the median of the ratios within rounds, with its quartiles in parentheses: half of the rounds are in between.
- The load is wrk's: one thread, 16 connections (4 where Redis is far), 200 users in turn, on the same machine as the app and Redis.
- Before the first slice and after the last, each arm is checked: a user is answered as himself, and one who was kicked is refused.
- Redis commands are counted by Redis over 100 requests one after the other, so they are exact; what scripts call counts.
- Many logins are copies, in Redis, of one that the package has made; the package is asked whether it finds and serves them.
- A kick is timed in the process that kicks, from the call to the answer; the kick in one HTTP call, from the request to the answer.
- One clock serves both nodes of the live measurement; a socket is closed once the holding node has seen it close.`;

/** What profiles of the processes have shown, and leaving out one part at a time. */
const MISSED = `- **Logged-in requests by default.** The look-up is a third command to Redis where the bare app sends two, and through
  node-redis a command costs a tenth of such a request, whatever it asks. It goes out together with the session's read, so that
  it costs CPU and hardly any waiting. \`touchIntervalMs\` takes one command away, the coherent cache another.
- **Logged-in requests on MemoryStore, and requests of nobody.** A hook made for comparison that does nothing but the check (no
  time limit, no last activity, no knowledge of which request logs out) reached 0.94 where the real one had 0.88 in the same
  run: a session is longer by the stamp, which express-session turns into text twice, and the router has one middleware more.
  The rest is spread: no function takes much more than one part in a hundred of a request, and with any one thing left out on
  purpose less than that is gained. Garbage weighs as much as time: a bare request leaves 18 KB, this package adds 3.
- **A thousand users in one call.** A kick has two commands for each user, and reads and writes each session by itself, as the
  interface of stores has it: eight commands where the floor deletes three keys in one pipeline. In a profile of the process
  that kicks, of each 100 parts 22 are the garbage collector's and 15 abort signals, most of them the time limit that the client
  sets for each command of the store; the rest is sending, connect-redis and the client. The rules of the kick are some 6.
- **Bytes of Redis.** The target holds for users with three logins. Of a single login half is kept for its user: two rows of the
  index and a hash of his own. The table is older than a change that takes 16 bytes off each login: with it a quick run has 345
  bytes where the table has 361.`;

mkdirSync(options.rows, { recursive: true });
mkdirSync("docs/images", { recursive: true });
const rows = Object.fromEntries(Object.keys(TABLES).map((bench) => [bench, rowsOf(bench)]));
const sections = Object.keys(TABLES).map((bench) => section(bench, rows[bench]));
const page = `# Performance

Written by \`npm run bench:report\`: change the benches, not this page. Each section is one command, \`npm run bench:request\`,
\`latency\`, \`kick\`, \`scale\` or \`live\`; all take \`--quick\`, \`--rounds\`, \`--seed\`, \`--arm\` and \`--json\`, and need \`redis-server\`
and \`wrk\` (Debian: \`apt-get install redis-server wrk\`).

## Method

${METHOD}

${sections.join("\n")}
## Where a target is missed

${MISSED}
`;
writeFileSync("docs/performance.md", page);
format("docs/performance.md");

const readme = readFileSync("README.md", "utf8");
const between = /(?<=<!-- bench:report -->\n)[\s\S]*?(?=<!-- \/bench:report -->)/;
writeFileSync(
  "README.md",
  readme.replace(between, () => `\n${headline(rows)}\n\n`),
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
