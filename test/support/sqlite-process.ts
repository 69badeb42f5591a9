import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { LoginRegistry } from "../../lib/registry/index.js";

const SCRIPT = join(__dirname, "../registry/sqlite-process.mjs");

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
}

/** A process with a `SqliteLoginRegistry` on a file, for the application "shop". */
export class SqliteProcess {
  readonly #child: ChildProcess;
  readonly #calls = new Map<number, (answer: Answer) => void>();
  readonly exited: Promise<unknown>;
  #count = 0;

  constructor(file: string, env: Readonly<Record<string, string>> = {}, limit: readonly string[] = []) {
    const [execPath = process.execPath, ...execArgv] = limit;
    this.#child = fork(SCRIPT, {
      env: { ...process.env, ...env, FILE: file },
      execPath,
      execArgv,
      serialization: "advanced",
    });
    this.exited = once(this.#child, "exit");
    this.#child.on("message", (answer: Answer) => {
      this.#calls.get(answer.id)?.(answer);
      this.#calls.delete(answer.id);
    });
    this.#child.on("exit", () => {
      for (const [id, settle] of this.#calls) settle({ id, error: { code: "EXITED", message: "the process ended" } });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The registry of the process. Its errors have a code and a message. */
  get registry(): LoginRegistry {
    const call = (method: string, ...args: unknown[]): Promise<unknown> => this.call(method, ...args);
    async function* scanUsers(): AsyncIterable<readonly string[]> {
      yield (await call("scan")) as string[];
    }
    return new Proxy({} as LoginRegistry, {
      get: (_target, name) => (name === "scanUsers" ? scanUsers : call.bind(undefined, String(name))),
    });
  }

  async call(method: string, ...args: unknown[]): Promise<unknown> {
    this.#count += 1;
    const id = this.#count;
    const { result, error } = await new Promise<Answer>((resolve) => {
      this.#calls.set(id, resolve);
      this.#child.send({ id, method, args }, (failure) => {
        if (failure !== null) resolve({ id, error: { code: "EXITED", message: failure.message } });
      });
    });
    if (error !== undefined) throw Object.assign(new Error(error.message), { code: error.code });
    return result;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill();
    await this.exited;
  }
}
