import type { Report } from "./run.js";

/** One line with the requests and their outcomes. */
export function countsOf({ log, violations }: Report): string {
  const { requests, ends, faults, logins } = log;
  const count = (of: string): number => requests.filter(({ outcome }) => outcome === of).length;
  const kicks = ends.filter(({ of }) => of !== "everyone" && "userIds" in of);
  const done = kicks.filter(({ isDone }) => isDone).length;
  const backMs = Math.max(0, ...faults.map(({ ended, backAt }) => backAt - ended));
  return [
    `requests ${String(requests.length)} (served ${String(count("served"))}, refused ${String(count("refused"))}, unavailable ${String(count("unavailable"))})`,
    `logins ${String(logins.length)}`,
    `kicks ${String(kicks.length)} (answered with success ${String(done)})`,
    `faults ${String(faults.length)} (service back within ${backMs.toFixed(0)} ms)`,
    `violations = ${String(violations.length)}`,
  ].join(", ");
}
