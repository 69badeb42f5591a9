#!/usr/bin/env node
import { readFileSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import { doctor } from "./commands/doctor.js";
import { kick, kickAll } from "./commands/kick.js";
import { history } from "./commands/history.js";
import { kickWhere } from "./commands/kick-where.js";
import { active, logins } from "./commands/lists.js";
import { token } from "./commands/token.js";
import { watch } from "./commands/watch.js";
import { argumentsError, CliError, EXIT, messageOf } from "./errors.js";
import { printable, terminal } from "./terminal.js";
import { OPTIONS, USAGE, type CommandName } from "./usage.js";

type Command = (args: readonly string[], flags: object) => number | Promise<number>;

const COMMANDS: Readonly<Record<CommandName, Command>> = {
  kick,
  "kick-all": kickAll,
  "kick-where": kickWhere,
  logins,
  active,
  history,
  watch,
  doctor,
  token,
};

async function run([name = "", ...rest]: readonly string[]): Promise<number> {
  if (["--help", "-h", "help"].includes(name) || rest.includes("--help")) {
    terminal.data(USAGE.trimEnd());
    return EXIT.done;
  }
  if (name === "--version") {
    terminal.data(version());
    return EXIT.done;
  }
  if (!isCommand(name))
    throw argumentsError(name === "" ? "Name a command." : `There is no command "${printable(name)}".`);
  const { values, positionals } = parsed(name, rest);
  return COMMANDS[name](positionals, values);
}

function isCommand(name: string): name is CommandName {
  return Object.hasOwn(COMMANDS, name);
}

interface Parsed {
  readonly values: object;
  readonly positionals: readonly string[];
}

function parsed(name: CommandName, args: readonly string[]): Parsed {
  try {
    return parseArgs({ args: withValues(args, OPTIONS[name]), options: OPTIONS[name], allowPositionals: true });
  } catch (error) {
    // Its first sentence says what is wrong; the others are about files that begin with a dash.
    const [what = ""] = (error as Error).message.split(". ");
    throw argumentsError(`${name}: ${what.replace(/\.$/, "")}.`);
  }
}

/** An id of a login that begins with a dash, which `parseArgs` would take for an option. */
const DASHED_ID = /^-[\w-]{21}$/;

/** Joins options and the ids that follow them: `--except -a…` is `--except=-a…`. */
function withValues(args: readonly string[], options: Readonly<Record<string, { readonly type: string }>>): string[] {
  const isValue = (index: number): boolean =>
    DASHED_ID.test(args[index] ?? "") && options[args[index - 1]?.replace(/^--/, "") ?? ""]?.type === "string";
  return args.flatMap((arg, index) => {
    if (isValue(index)) return [];
    return isValue(index + 1) ? [`${arg}=${String(args[index + 1])}`] : [arg];
  });
}

function version(): string {
  const text = readFileSync(new URL("../../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

/** Prints an error, and returns the exit code. */
function report(error: unknown): number {
  if (!(error instanceof CliError)) {
    terminal.note(printable(messageOf(error)));
    return EXIT.notDone;
  }
  terminal.note(printable(error.message));
  if (error.showsUsage) terminal.note(`\n${USAGE.trimEnd()}`);
  return error.exitCode;
}

// A reader that has enough, such as `head`, closes the pipe.
process.stdout.on("error", () => process.exit(EXIT.done));
const exitCode = await run(process.argv.slice(2)).catch(report);
// What a --config has opened must not keep the program alive. Pipes are written asynchronously on some systems.
process.stdout.write("", () => process.exit(exitCode));
