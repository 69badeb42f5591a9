import { readFileSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";

const OPTIONS = {
  rounds: { type: "string" },
  quick: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  seed: { type: "string" },
  arm: { type: "string", multiple: true },
  help: { type: "boolean", short: "h", default: false },
};

const HELP = `  --rounds N   more rounds make the intervals narrower
  --quick      a run under 50 s, whose figures are rough
  --json       one line a row, each with where and how it was measured
  --seed N     the order of an earlier run
  --arm NAME   only this arm; may be given more than once`;

/**
 * What every bench understands; see {@link HELP}.
 * `names`: what a bench is given besides.
 */
export function readOptions({ rounds, quickRounds }) {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
  if (values.help) showHelp(HELP);
  return {
    quick: values.quick,
    json: values.json,
    rounds: Number(values.rounds ?? (values.quick ? quickRounds : rounds)),
    seed: Number(values.seed ?? Math.floor(Math.random() * 2 ** 31)),
    arms: values.arm,
    names: positionals,
  };
}

/** Shows what a bench says of itself in its first lines, and its options, and ends the process. */
export function showHelp(help) {
  const lines = readFileSync(process.argv[1], "utf8").split("\n");
  const about = lines.slice(
    0,
    lines.findIndex((line) => !line.startsWith("//")),
  );
  console.log(`${about.map((line) => line.replace(/^\/\/ ?/, "")).join("\n")}\n\n${help}`);
  process.exit();
}
