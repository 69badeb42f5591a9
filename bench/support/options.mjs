import { parseArgs } from "node:util";

/**
 * What every bench understands: `--rounds N`, `--quick` (a run under 50 s, whose figures are rough), `--json` (one line a
 * row), `--seed N` (the order of an earlier run), `--arms a,b` (only these).
 */
export function readOptions({ rounds, quickRounds }) {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      seed: { type: "string" },
      arms: { type: "string" },
    },
  });
  return {
    quick: values.quick,
    json: values.json,
    rounds: Number(values.rounds ?? (values.quick ? quickRounds : rounds)),
    seed: Number(values.seed ?? Math.floor(Math.random() * 2 ** 31)),
    arms: values.arms?.split(","),
  };
}
