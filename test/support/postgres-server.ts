import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { onFreePort } from "./free-port.js";

export interface PostgresServer {
  readonly url: string;
  readonly port: number;
  /** Ends it at once, as a crash does: clients lose their connections, and the next start recovers from the log. */
  kill(): Promise<void>;
  /** Starts it again on the same port, with all committed data. */
  restart(): Promise<void>;
  /** Makes it hang, as a machine out of breath does, until {@link PostgresServer.resume}. */
  pause(): void;
  resume(): void;
  /** Ends it and removes its files. */
  stop(): Promise<void>;
}

interface User {
  readonly uid?: number;
  readonly gid?: number;
}

/** A PostgreSQL of the test's own, on a free port of the loopback address: its user `postgres` needs no password. */
export async function startPostgres(settings: readonly string[] = []): Promise<PostgresServer> {
  const user = serverUser();
  const folder = mkdtempSync(join(tmpdir(), "express-logout-postgres-"));
  if (user.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid);
  const data = join(folder, "data");
  initialize(data, user);
  const launched = await onFreePort(async (port) => ({ port, server: await launch(port, data, user, settings) }));
  const { port } = launched;
  let { server } = launched;
  const kill = async (): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, "exit");
    // To every process, lest one that hangs does more before it ends; and not SIGKILL, which would leave children behind
    // that keep the shared memory from the next start.
    signal(server, "SIGQUIT");
    signal(server, "SIGCONT");
    await exited;
  };
  return {
    url: `postgres://postgres@127.0.0.1:${String(port)}/postgres`,
    port,
    kill,
    restart: async () => {
      await kill();
      server = await launch(port, data, user, settings);
    },
    pause: () => {
      signal(server, "SIGSTOP");
    },
    resume: () => {
      signal(server, "SIGCONT");
    },
    stop: async () => {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A program of the newest PostgreSQL installed: Debian keeps the servers' off the PATH. */
export function postgresProgram(name: "initdb" | "postgres"): string {
  const versions = "/usr/lib/postgresql";
  const folders = existsSync(versions)
    ? readdirSync(versions)
        .sort((a, b) => Number(b) - Number(a))
        .map((version) => join(versions, version, "bin"))
    : [];
  const program = [...folders, ...(process.env["PATH"] ?? "").split(delimiter)]
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));
  if (program === undefined) throw new Error(`${name} of PostgreSQL is not installed`);
  return program;
}

/** PostgreSQL refuses to run as root: then it runs as the user that its package has made. */
function serverUser(): User {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string): number => Number(run("id", [flag, "postgres"]));
  return { uid: id("-u"), gid: id("-g") };
}

function initialize(data: string, user: User): void {
  const args = ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"];
  run(postgresProgram("initdb"), args, user);
}

async function launch(port: number, data: string, user: User, own: readonly string[]): Promise<ChildProcess> {
  const settings = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "fsync=off",
    "shared_buffers=16MB",
    "autovacuum=off",
    ...own,
  ];
  const args = ["-D", data, "-p", String(port), ...settings.flatMap((setting) => ["-c", setting])];
  const server = spawn(postgresProgram("postgres"), args, { stdio: ["ignore", "ignore", "pipe"], cwd: "/", ...user });
  await new Promise<void>((resolve, reject) => {
    let log = "";
    server.stderr.on("data", (chunk: Buffer) => {
      log += chunk.toString();
      if (log.includes("ready to accept connections")) resolve();
    });
    server.once("error", reject);
    server.once("exit", (code) => {
      reject(new Error(`postgres ended with ${String(code)}: ${log}`));
    });
  });
  return server;
}

/** Each connection has a process of its own; the first process, stopped first, starts no more of them. */
function signal(server: ChildProcess, name: NodeJS.Signals): void {
  const { pid } = server;
  if (pid === undefined) return;
  server.kill(name);
  const children = spawnSync("pgrep", ["-P", String(pid)], { encoding: "utf8" })
    .stdout.split("\n")
    .filter(Boolean);
  for (const child of children) {
    try {
      process.kill(Number(child), name);
    } catch (error) {
      // It has ended since it was listed.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

function run(command: string, args: readonly string[], user: User = {}): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", cwd: "/", ...user });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ended with ${String(status)}: ${stderr}`);
  return stdout;
}
