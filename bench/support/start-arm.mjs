import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";

/**
 * Starts an arm in a process of its own. `unavailable` says why it cannot be measured; else its actions can be called.
 *
 * @param cwd - the checkout whose arm and code run, by default this one
 */
export async function startArm({
  name,
  module,
  settings = {},
  execPath = process.execPath,
  execArgv = [],
  cwd = process.cwd(),
}) {
  const env = { ...process.env, NODE_ENV: "production" };
  const child = fork(join(cwd, `bench/arms/${module}.mjs`), [JSON.stringify(settings)], {
    execPath,
    execArgv,
    env,
    cwd,
  });
  const failed = once(child, "exit").then(([code]) => {
    throw new Error(`The arm "${name}" ended with ${code}.`);
  });
  failed.catch(() => undefined);
  const [{ origin, unavailable }] = await Promise.race([once(child, "message"), failed]);
  const close = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.disconnect();
    await once(child, "exit");
  };
  if (unavailable !== undefined) {
    await close();
    return { name, unavailable };
  }
  const waiting = new Map();
  child.on("message", ({ id, value, error }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) resolve(value);
    else reject(new Error(`The arm "${name}": ${error}`));
  });
  let last = 0;
  const ask = (action, ...args) => {
    const id = (last += 1);
    const answered = new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
    child.send({ id, action, args });
    return Promise.race([answered, failed]);
  };
  return { name, origin, ask, close };
}
