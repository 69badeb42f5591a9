import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const DIST = join(__dirname, "../../example-app/dist");
const run = promisify(execFile);

/**
 * Runs a demo of the example app, built before.
 *
 * @param place - `REDIS_URL` or `LOGINS`; default: memory
 * @returns its transcript. Rejects if a step differs.
 */
export async function runDemo(script: string, place: NodeJS.ProcessEnv = {}): Promise<string> {
  const { REDIS_URL: _ours, LOGINS: _oursToo, ...env } = process.env;
  const { stdout } = await run(process.execPath, [join(DIST, script)], { env: { ...env, ...place } });
  return stdout;
}
