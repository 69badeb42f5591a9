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
  return spawn(process.execPath, [MAIN, ...args], { cwd: ROOT, env: environment(env) });
}

/** The environment of a child: of this process, without addresses of registries and settings of colours. */
function environment(env: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const { REDIS_URL: _redis, DATABASE_URL: _postgres, NO_COLOR: _color, FORCE_COLOR: _force, ...shell } = process.env;
  return { ...shell, ...env };
}

/** Runs the built command line, without a terminal. */
export async function cli(args: readonly string[], { env, input = "" }: CliCall = {}): Promise<CliResult> {
  return resultOf(start(args, env), input);
}

async function resultOf(child: ChildProcessWithoutNullStreams, input: string): Promise<CliResult> {
  child.stdin.end(input);
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit") as Promise<[number | null]>,
  ]);
  printed.push(stdout, stderr);
  return { exitCode, stdout, stderr };
}

/** Returns the command line as a command of a shell. */
export function shellCommand(args: readonly string[]): string {
  return [process.execPath, MAIN, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
}

/** Runs a command of a shell. */
export async function shell(
  command: string,
  env: Readonly<Record<string, string>> = {},
  how: readonly [string, ...string[]] = ["sh", "-c"],
): Promise<CliResult> {
  const [program, ...options] = how;
  return resultOf(spawn(program, [...options, command], { cwd: ROOT, env: environment(env) }), "");
}

/** What a terminal shows: both streams, with what was typed. */
export interface Shown {
  readonly exitCode: number | null;
  readonly output: string;
}

/** Runs a command of a shell on a terminal (by `script` of util-linux), and types keys once it shows a text. */
export async function onTerminal(
  command: string,
  env: Readonly<Record<string, string>> = {},
  typing?: { readonly after: string; readonly keys: string },
): Promise<Shown> {
  const child = spawn("script", ["-qec", command, "/dev/null"], {
    cwd: ROOT,
    env: environment({ TERM: "xterm", ...env }),
  });
  let output = "";
  let isTyped = typing === undefined;
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
    if (isTyped || typing === undefined || !output.includes(typing.after)) return;
    isTyped = true;
    child.stdin.write(typing.keys);
  });
  // The end of its input would be typed, too.
  const [exitCode] = (await once(child, "close")) as [number | null];
  child.stdin.destroy();
  printed.push(output);
  return { exitCode, output };
}

/** The command line while it runs. */
export interface RunningCli {
  /** Resolves when stdout has this many lines, and returns them. */
  lines(count: number): Promise<readonly string[]>;
  readonly stderr: string;
  /** Resolves when stderr has a text. */
  says(text: string, times?: number): Promise<void>;
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
  const says = (words: string, times = 1): Promise<void> =>
    until(
      () => {
        if (child.exitCode !== null) throw new Error(`the command line ended: ${stderr}`);
        return Promise.resolve(stderr.split(words).length > times);
      },
      words,
      PATIENCE_MS,
    );
  await says(ready);
  return {
    says,
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
