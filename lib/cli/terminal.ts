import { createInterface } from "node:readline/promises";
import { text as readAll } from "node:stream/consumers";
import process from "node:process";

const COLORS = { ok: 32, warn: 33, error: 31, unknown: 36 } as const;
const BAR_WIDTH = 30;

/** Where data goes, and everything else: data to stdout, the rest to stderr. */
export const terminal = {
  /** Writes a line of data. */
  data(line: string): void {
    process.stdout.write(`${line}\n`);
  },

  /** Writes data as JSON, in one line. */
  json(value: unknown): void {
    process.stdout.write(`${JSON.stringify(value)}\n`);
  },

  /** Writes a line for people. */
  note(line: string): void {
    process.stderr.write(`${line}\n`);
  },

  /** Whether data are shown on a terminal. */
  get showsData(): boolean {
    return process.stdout.isTTY;
  },

  get canAsk(): boolean {
    return process.stdin.isTTY && process.stderr.isTTY;
  },

  /** Asks a question that `y` or `yes` answers. Ctrl+C and Ctrl+D are a no. */
  async confirm(question: string): Promise<boolean> {
    const asking = createInterface({ input: process.stdin, output: process.stderr });
    try {
      // The error of a question that Ctrl+C or Ctrl+D ends is the answer.
      const answer = await asking.question(`${question} [y/N] `).catch(() => undefined);
      if (answer === undefined) process.stderr.write("\n");
      return answer !== undefined && /^y(?:es)?$/i.test(answer.trim());
    } finally {
      asking.close();
    }
  },

  /** Returns all of stdin. */
  input(): Promise<string> {
    return readAll(process.stdin);
  },

  /** Colours a word of data, if stdout shows colours. */
  colored(color: keyof typeof COLORS, word: string): string {
    const isPlain = !process.stdout.isTTY || (process.env["NO_COLOR"] ?? "") !== "" || process.env["TERM"] === "dumb";
    return isPlain ? word : `\u001b[${String(COLORS[color])}m${word}\u001b[0m`;
  },

  /** Shows how far a call is, on a terminal. */
  progress(done: number, total: number): void {
    if (!process.stderr.isTTY) return;
    const part = total === 0 ? 1 : done / total;
    const bar = "#".repeat(Math.round(part * BAR_WIDTH)).padEnd(BAR_WIDTH, "-");
    process.stderr.write(`\r[${bar}] ${count(done)} of ${count(total)} users`);
  },

  /** Ends the line of {@link progress}. */
  endProgress(): void {
    if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
  },
};

/** Returns text that is safe to print: ids and addresses come from outside, and could hold sequences for the terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, "\ufffd");
}

/** Whether the text is the same after it was written as a line, and read again. */
export function survivesALine(text: string): boolean {
  return !/[\r\n]|\p{Cs}|^\ufeff/u.test(text);
}

export function count(number: number): string {
  return number.toLocaleString("en");
}

/** Returns for example `2 logins`. */
export function counted(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** Writes rows as columns, with a head. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const cells = [head, ...rows.map((row) => row.map(printable))];
  const widths = head.map((_name, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  for (const row of cells) {
    terminal.data(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
  }
}
