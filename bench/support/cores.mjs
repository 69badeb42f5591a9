import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import process from "node:process";
import { note } from "./print.mjs";

/**
 * Keeps what makes the load on one core, with every process that it starts from now on, and returns how an arm gets the others. Without
 * a second core, or without `taskset` of util-linux, nothing is bound, which is noted.
 */
export function bindCores() {
  // It is less once this process is bound.
  const cores = availableParallelism();
  const isBound =
    cores > 1 && spawnSync("taskset", ["-cp", "0", String(process.pid)], { stdio: "ignore" }).status === 0;
  if (!isBound) {
    note("Processes are not bound to cores: that takes two cores and taskset (Debian: apt-get install util-linux).");
    return (arm) => arm;
  }
  const others = `1-${cores - 1}`;
  return (arm) => ({
    ...arm,
    execPath: "taskset",
    execArgv: ["-c", others, process.execPath, ...(arm.execArgv ?? [])],
  });
}
