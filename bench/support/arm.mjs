import { once } from "node:events";
import { createServer } from "node:http";
import { performance } from "node:perf_hooks";
import process from "node:process";

/**
 * Runs in the process of an arm: builds it, serves it, and answers what the bench asks.
 *
 * @param build - called with the arm's settings; returns `{ app, …actions }`, each action a function that the bench may call.
 * An arm whose option the package does not know is not available.
 */
export async function runArm(build) {
  process.on("disconnect", () => process.exit());
  let arm;
  try {
    arm = await build(JSON.parse(process.argv[2]));
  } catch (error) {
    if (error.code !== "ERR_OPTION_UNKNOWN") throw error;
    process.send({ unavailable: error.message });
    return;
  }
  const server = createServer(arm.app).listen(0, "127.0.0.1");
  if (arm.upgrade !== undefined) server.on("upgrade", arm.upgrade);
  await once(server, "listening");
  const origin = `http://127.0.0.1:${server.address().port}`;
  const actions = { cpuMicros, logIn: (user) => logInAtForm(origin, user), ...arm };
  /** How long an action takes, in milliseconds, without the way to this process. */
  actions.time = async (action, ...args) => {
    const began = performance.now();
    await actions[action](...args);
    return performance.now() - began;
  };
  await arm.ready?.(origin);
  process.on("message", async ({ id, action, args }) => {
    try {
      process.send({ id, value: await actions[action](...args) });
    } catch (error) {
      process.send({ id, error: error.stack });
    }
  });
  process.send({ origin });
}

function cpuMicros() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Logs in as a browser does. @returns the cookie to send. */
async function logInAtForm(origin, user) {
  const response = await fetch(`${origin}/log-in?user=${user}`);
  return cookieOf(response);
}

export function cookieOf(response) {
  return response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(";")[0])
    .join("; ");
}
