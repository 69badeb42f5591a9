import process from "node:process";
import { machine } from "./machine.mjs";

/** Rows as a table for people, or as one JSON line each, every line with where it was measured. */
export function print({ bench, title, method, options, columns, rows }) {
  const { json, quick, rounds, seed } = options;
  const place = machine();
  if (json) {
    for (const row of rows) console.log(JSON.stringify({ bench, ...row, rounds, quick, seed, ...place }));
    return;
  }
  console.log(`\n${title}`);
  console.log(`${place.date}, commit ${place.commit}; ${place.machine}`);
  console.log(place.versions);
  console.log(`${method}${quick ? " Quick: the figures are rough." : ""} Seed ${seed}.\n`);
  console.log(table(columns, rows));
  const judged = rows.filter((row) => row.met !== undefined);
  const absent = rows.filter((row) => row.unavailable !== undefined);
  console.log(`\nTargets: ${judged.filter(({ met }) => met).length} of ${judged.length} met.`);
  for (const reason of new Set(absent.map(({ unavailable }) => unavailable))) console.log(`Not available: ${reason}`);
}

/** A line on what goes on, for whoever waits; never among the rows. */
export function note(text) {
  process.stderr.write(`${text}\n`);
}

export function table(columns, rows) {
  const cells = [columns.map(({ name }) => name), ...rows.map((row) => columns.map(({ of }) => of(row) ?? ""))];
  const widths = columns.map((_column, index) => Math.max(...cells.map((line) => line[index].length)));
  const isText = columns.map((_column, index) => cells.slice(1).some((line) => /^[a-z]/i.test(line[index])));
  return cells
    .map((line) =>
      line
        .map((cell, index) => (isText[index] ? cell.padEnd(widths[index]) : cell.padStart(widths[index])))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

export const ratio = (value) =>
  value === undefined ? "" : `${value.median.toFixed(3)} (${value.low.toFixed(3)}–${value.high.toFixed(3)})`;

/** A target and whether it is met. */
export const target = ({ target: words, met }) => (words === undefined ? "" : `${words} ${met ? "met" : "MISSED"}`);
