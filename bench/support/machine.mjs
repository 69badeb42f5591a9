import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import process from "node:process";

const PACKAGES = [
  "express",
  "express-session",
  "connect-redis",
  "redis",
  "express-openid-connect",
  "better-auth",
  "ws",
];

/** Where and with what a figure was measured: without it, it is worth nothing. */
export function machine() {
  const versions = PACKAGES.map((name) => {
    const { version } = JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8"));
    return `${name} ${version}`;
  });
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: commit(),
    machine: `${cpus()[0].model.trim()}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GB`,
    versions: [`Node ${process.versions.node}`, `Redis ${redisVersion()}`, ...versions].join(", "),
  };
}

function commit() {
  const git = (...args) => execFileSync("git", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  try {
    const isChanged = git("status", "--porcelain", "--", "lib", "bench", "package-lock.json") !== "";
    return git("rev-parse", "--short", "HEAD") + (isChanged ? " and changes" : "");
  } catch {
    return "no repository";
  }
}

function redisVersion() {
  return /v=([\d.]+)/.exec(execFileSync("redis-server", ["--version"], { encoding: "utf8" }))?.[1];
}
