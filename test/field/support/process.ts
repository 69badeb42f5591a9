import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { build, type BuildOptions } from "esbuild";

const ROOT = join(__dirname, "../../..");

/** A separate folder for a server, which finds the packages that are installed here. */
export interface Folder {
  readonly path: string;
  remove(): void;
}

export function serverFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), "express-logout-field-"));
  symlinkSync(join(ROOT, "node_modules"), join(path, "node_modules"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Bundles an entry of `test/field/servers` into one file, with the built package. */
export async function bundle(entry: string, folder: Folder, options: BuildOptions = {}): Promise<string> {
  const outfile = join(folder.path, "server.cjs");
  const entryPoints = [join(ROOT, "test/field/servers", entry)];
  const common = { bundle: true, platform: "node", format: "cjs", target: "node20", logLevel: "error" } as const;
  await build({ entryPoints, outfile, absWorkingDir: ROOT, ...common, ...options });
  return outfile;
}

/** A server in its own process, as `serveShop` starts it. */
export interface ServerProcess {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startServer(file: string, env: NodeJS.ProcessEnv = {}): Promise<ServerProcess> {
  const child = spawn(process.execPath, [file], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, NODE_ENV: "production", ...env },
  });
  return { url: await addressOf(child), stop: () => stop(child) };
}

async function addressOf(child: ChildProcess): Promise<string> {
  const errors: Buffer[] = [];
  child.stderr?.on("data", (chunk: Buffer) => errors.push(chunk));
  const { stdout } = child;
  if (stdout === null) throw new Error("The server has no output.");
  const lines = createInterface({ input: stdout });
  return new Promise((resolve, reject) => {
    lines.on("line", (line) => {
      if (line.startsWith("http://")) resolve(line);
    });
    child.once("exit", (code) => {
      reject(new Error(`The server ended with ${String(code)}: ${Buffer.concat(errors).toString().slice(-2_000)}`));
    });
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}
