import { parseArgs } from "node:util";

/**
 * What every bench understands: `--rounds N`, `--quick` (a run under 50 s, whose figures are rough), `--json` (one line a
 * row), `--seed N` (the order of an earlier run), `--arm NAME`, once or more (only these).
 * `names`: what a bench is given besides.
 */
export function readOptions({ rounds, quickRounds }) {
  const { values, positionals } = parseArgs({
    options: {
      rounds: { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      seed: { type: "string" },
      arm: { type: "string", multiple: true },
    },
    allowPositionals: true,
  });
  return {
    quick: values.quick,
    json: values.json,
    rounds: Number(values.rounds ?? (values.quick ? quickRounds : rounds)),
    seed: Number(values.seed ?? Math.floor(Math.random() * 2 ** 31)),
    arms: values.arm,
    names: positionals,
  };
}
