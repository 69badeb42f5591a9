import process from "node:process";
import { machine } from "./machine.mjs";
import { TABLES } from "./tables.mjs";

/** Rows as a table for people, or as one JSON line each, every line with where and how it was measured. */
export function print({ bench, method, options, rows }) {
  const { json, quick, rounds, seed } = options;
  const place = machine();
  if (json) {
    for (const row of rows) console.log(JSON.stringify({ bench, ...row, method, rounds, quick, seed, ...place }));
    return;
  }
  const { title, explanation, columns } = TABLES[bench];
  console.log(`\n${title}\n${explanation}`);
  console.log(`${place.date}, commit ${place.commit}; ${place.machine}\n${place.versions}`);
  console.log(`${method}${quick ? " Quick: the figures are rough." : ""} Seed ${seed}.\n`);
  console.log(table(columns, rows));
  const judged = rows.filter(({ target }) => target !== undefined);
  const unclear = judged.filter(({ isUnclear }) => isUnclear).length;
  const more = unclear === 0 ? "" : `, ${unclear} too wide to judge: more --rounds make them narrower`;
  console.log(`\nTargets: ${judged.filter(({ met }) => met).length} of ${judged.length} met${more}.`);
  const reasons = new Set(rows.flatMap(({ unavailable = [] }) => unavailable));
  for (const reason of reasons) console.log(`Not available: ${reason}`);
}

/** A line about the progress; never among the rows. */
export function note(text) {
  process.stderr.write(`${text}\n`);
}

function table(columns, rows) {
  const cells = [columns.map(({ name }) => name), ...rows.map((row) => columns.map(({ of }) => of(row) ?? ""))];
  const widths = columns.map((_column, index) => Math.max(...cells.map((line) => line[index].length)));
  const isText = columns.map((_column, index) => cells.slice(1).some((line) => /^[a-z≥≤]/i.test(line[index])));
  return cells
    .map((line) =>
      line
        .map((cell, index) => (isText[index] ? cell.padEnd(widths[index]) : cell.padStart(widths[index])))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
