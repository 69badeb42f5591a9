import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { onFreePort } from "./free-port.js";

export interface MariaDbServer {
  /** Of its empty database `test`. */
  readonly url: string;
  /** Ends the server by its process id and removes its files. */
  stop(): Promise<void>;
}

interface User {
  readonly uid?: number;
  readonly gid?: number;
}

/** A MariaDB of the test's own, on a free port of the loopback address: its user `root` needs no password. */
export async function startMariaDb(): Promise<MariaDbServer> {
  const user = serverUser();
  const folder = mkdtempSync(join(tmpdir(), "express-logout-mariadb-"));
  if (user.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid);
  initialize(folder, user);
  const { port, server } = await onFreePort(async (free) => ({ port: free, server: await launch(free, folder, user) }));
  return {
    url: `mysql://root@127.0.0.1:${String(port)}/test`,
    stop: async () => {
      if (server.exitCode === null && server.signalCode === null) {
        const exited = once(server, "exit");
        // An orderly end takes seconds, and the files are removed anyway.
        server.kill("SIGKILL");
        await exited;
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A program of MariaDB: Debian keeps the server in a folder that is on the PATH of root only. */
export function mariaDbProgram(name: "mariadbd" | "mariadb-install-db"): string {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  const program = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (program === undefined) throw new Error(`${name} of MariaDB is not installed`);
  return program;
}

/** MariaDB refuses to run as root: there it runs as the user that its package creates. */
function serverUser(): User {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string): number => Number(run("id", [flag, "mysql"]));
  return { uid: id("-u"), gid: id("-g") };
}

const SETTINGS = [
  "--innodb-flush-method=nosync",
  "--innodb-doublewrite=0",
  "--innodb-buffer-pool-size=16M",
  "--innodb-log-file-size=8M",
  "--skip-name-resolve",
];

function initialize(folder: string, user: User): void {
  const args = ["--no-defaults", `--datadir=${join(folder, "data")}`, "--auth-root-authentication-method=normal"];
  run(mariaDbProgram("mariadb-install-db"), [...args, ...SETTINGS], user);
}

async function launch(port: number, folder: string, user: User): Promise<ChildProcess> {
  const files = [`--datadir=${join(folder, "data")}`, `--socket=${join(folder, "socket")}`];
  const args = ["--no-defaults", ...files, `--port=${String(port)}`, "--bind-address=127.0.0.1", ...SETTINGS];
  const program = mariaDbProgram("mariadbd");
  const server = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"], cwd: "/", ...user });
  await new Promise<void>((resolve, reject) => {
    let log = "";
    server.stderr.on("data", (chunk: Buffer) => {
      log += chunk.toString();
      if (log.includes("ready for connections")) resolve();
    });
    server.once("error", reject);
    server.once("exit", (code) => {
      reject(new Error(`mariadbd ended with ${String(code)}: ${log}`));
    });
  });
  return server;
}

function run(command: string, args: readonly string[], user: User = {}): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", cwd: "/", ...user });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ended with ${String(status)}: ${stderr}`);
  return stdout;
}
