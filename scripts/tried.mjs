// Writes what the tests have tried, and with which version, into the table of a document: `node scripts/tried.mjs FOLDER DOCUMENT`.
// The folder has the reports of one whole run: see test/support/tried.ts.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { format, resolveConfig } from "prettier";

const BEGIN = "<!-- tried: written by npm run docs:compatibility -->";
const END = "<!-- /tried -->";
const KINDS = [
  "framework",
  "middleware",
  "field",
  "bundler",
  "server",
  "store",
  "registry",
  "client",
  "topology",
  "recipe",
];

const [folder, path] = process.argv.slice(2);

const rows = new Map();
for (const file of readdirSync(folder)) {
  const { kind, name, version, what } = JSON.parse(readFileSync(join(folder, file), "utf8"));
  if (!KINDS.includes(kind)) throw new Error(`The table has no kind "${kind}"`);
  const key = JSON.stringify([kind, name, version]);
  const row = rows.get(key) ?? { kind, name, version, what: new Set() };
  what.forEach((tried) => row.what.add(tried));
  rows.set(key, row);
}

const inOrder = (a, b) => a.localeCompare(b, "en", { numeric: true });
const sorted = [...rows.values()].sort(
  (a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || inOrder(a.name, b.name) || inOrder(b.version, a.version),
);
const cells = ({ kind, name, version, what }) => [kind, name, version, [...what].sort(inOrder).join(", ")];
const table = [["kind", "what", "version", "tried"], ["-", "-", "-", "-"], ...sorted.map(cells)]
  .map((row) => `| ${row.join(" | ")} |`)
  .join("\n");

const document = readFileSync(path, "utf8");
const [before, after] = [document.split(BEGIN)[0], document.split(END)[1]];
if (after === undefined) throw new Error(`${path} has no place for the table`);
const text = `${before}${BEGIN}\n\n${table}\n\n${END}${after}`;
writeFileSync(path, await format(text, { ...(await resolveConfig(path)), filepath: path }));
