import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { until } from "./redis-server.js";

const MAIN = join(__dirname, "../../dist/esm/cli/main.js");
const ROOT = join(__dirname, "../..");

/** A process takes its time to start on a busy machine. */
const PATIENCE_MS = 60_000;

export interface CliResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliCall {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** Everything that the command line has printed in this file, for the search for secrets. */
export const printed: string[] = [];

function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcessWithoutNullStreams {
  const { REDIS_URL: _redis, DATABASE_URL: _postgres, ...shell } = process.env;
  return spawn(process.execPath, [MAIN, ...args], { cwd: ROOT, env: { ...shell, ...env } });
}

/** Runs the built command line, without a terminal. */
export async function cli(args: readonly string[], { env, input = "" }: CliCall = {}): Promise<CliResult> {
  const child = start(args, env);
  child.stdin.end(input);
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit") as Promise<[number | null]>,
  ]);
  printed.push(stdout, stderr);
  return { exitCode, stdout, stderr };
}

/** The command line while it runs. */
export interface RunningCli {
  /** Resolves when stdout has this many lines, and returns them. */
  lines(count: number): Promise<readonly string[]>;
  readonly stderr: string;
  /** Sends Ctrl+C, and returns the exit code. */
  interrupt(): Promise<number | null>;
}

/** Starts the command line; resolves when stderr has a text. */
export async function startCli(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  ready: string,
): Promise<RunningCli> {
  const child = start(args, env);
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const exited = once(child, "exit") as Promise<[number | null]>;
  await until(
    () => {
      if (child.exitCode !== null) throw new Error(`the command line ended: ${stderr}`);
      return Promise.resolve(stderr.includes(ready));
    },
    ready,
    PATIENCE_MS,
  );
  return {
    lines: async (count) => {
      const whole = (): readonly string[] => stdout.split("\n").slice(0, -1);
      await until(() => Promise.resolve(whole().length >= count), `${String(count)} lines`, PATIENCE_MS);
      return whole();
    },
    get stderr() {
      return stderr;
    },
    interrupt: async () => {
      child.kill("SIGINT");
      const [exitCode] = await exited;
      printed.push(stdout, stderr);
      return exitCode;
    },
  };
}
