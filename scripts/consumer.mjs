// Projects that have the package as its users get it: packed, and installed from the tarball.
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

const { devDependencies } = JSON.parse(readFileSync("package.json", "utf8"));

/** A package in the version that the tests of this project use. */
export const asInTests = (name) => `${name}@${devDependencies[name]}`;

export const run = (command, args, options = {}) =>
  execFileSync(command, args, { stdio: ["ignore", "pipe", "inherit"], encoding: "utf8", ...options });

/** Packs the package into a folder. */
export function pack(folder) {
  const [{ filename, files }] = JSON.parse(run("npm", ["pack", "--json", "--pack-destination", folder]));
  return { tarball: join(folder, filename), paths: files.map(({ path }) => path) };
}

/** Makes a project with the tarball and other packages in it, and what `test/package` holds. */
export function makeConsumer(folder, tarball, packages, { args = [], env = process.env } = {}) {
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }));
  const quiet = ["--no-audit", "--no-fund", "--prefer-offline"];
  run("npm", ["install", ...quiet, ...args, tarball, ...packages], { cwd: folder, env });
  cpSync("test/package", folder, { recursive: true });
  return folder;
}

/** Runs with a redis-server of its own, which listens on a socket in a temporary folder. */
export async function withRedis(act) {
  const folder = mkdtempSync(join(tmpdir(), "express-logout-redis-"));
  const socket = join(folder, "redis.sock");
  const settings = ["--port", "0", "--unixsocket", socket, "--save", "", "--dir", folder];
  const server = spawn("redis-server", settings, { stdio: ["ignore", "pipe", "inherit"] });
  const exited = new Promise((resolve) => server.once("exit", resolve));
  try {
    await new Promise((resolve, reject) => {
      let log = "";
      server.once("error", reject);
      void exited.then(() => reject(new Error(`redis-server ended: ${log}`)));
      server.stdout.on("data", (chunk) => {
        log += chunk;
        if (log.includes("eady to accept connections")) resolve();
      });
    });
    return await act(socket);
  } finally {
    server.kill("SIGKILL");
    await exited;
    rmSync(folder, { recursive: true, force: true });
  }
}
