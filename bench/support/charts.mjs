import { barChart, lineChart } from "./chart.mjs";

const isOurs = (name) => name.startsWith("express-logout");
const ratioBar = ({ arm, ratio: { median, low, high } }, label = arm) => ({
  label,
  value: median,
  low,
  high,
  text: median.toFixed(2),
  isOurs: isOurs(arm),
});
const bySize = (rows, name) => rows.filter(name).sort((one, other) => one.size - other.size);

/** The one picture that each bench is remembered by. */
export const CHARTS = {
  cpu: (rows) =>
    barChart({
      title: "CPU time of a request of a logged-in user ÷ the same app without this package",
      bars: rows.filter(({ kind }) => kind === "logged-in").map((row) => ratioBar(row)),
      base: 1,
    }),
  request: (rows) =>
    barChart({
      title: "Requests a second of a logged-in user ÷ the same app without this package",
      bars: rows.filter(({ kind, ratio }) => kind === "logged-in" && ratio !== undefined).map((row) => ratioBar(row)),
      base: 1,
    }),
  latency: (rows) =>
    barChart({
      title: "Median time of a logged-in request ÷ the bare app's, by the delay to Redis",
      bars: rows
        .filter(({ ratio }) => ratio !== undefined)
        .map((row) => ratioBar(row, `${row.arm}, ${row.delayMs} ms`)),
      base: 1,
    }),
  kick: (rows) =>
    lineChart({
      title: "Kicking a user with 2 logins, by how many sessions there are",
      xName: "sessions",
      yName: "ms",
      lines: ["express-logout", "naive"].map((name) => ({
        label: name === "naive" ? "all() and destroy()" : name,
        isOurs: isOurs(name),
        points: bySize(
          rows.map((row) => ({ ...row, size: row.sessions })),
          ({ kicked, arm }) => kicked === "1 user, 2 logins" && arm === name,
        ).map(({ sessions, ms }) => [sessions, ms]),
      })),
    }),
  scale: (rows) =>
    lineChart({
      title: "The first page of those who are online, by how many there are",
      xName: "users online",
      yName: "ms",
      lines: ["Redis", "memory"].map((name) => ({
        label: name === "Redis" ? "RedisLoginRegistry" : "MemoryLoginRegistry",
        isOurs: name === "Redis",
        points: bySize(
          rows.map((row) => ({ ...row, size: row.logins })),
          ({ registry, what }) => what === "first page" && registry === name,
        ).map(({ logins, value }) => [logins, value]),
      })),
    }),
  cluster: (rows) =>
    barChart({
      title: "Commands of the most loaded master ÷ the mean",
      bars: rows
        .filter(({ value }) => value !== undefined)
        .map(({ masters, shards, value }) => ({
          label: `${masters} masters, ${shards === 1 ? "one shard" : `${shards} shards`}`,
          value,
          text: value.toFixed(2),
          isOurs: shards > 1,
        })),
      base: 1,
    }),
  live: (rows) =>
    barChart({
      title: "From a kick on one node to the close of a socket on another: p99",
      bars: rows
        .filter(({ p99Ms }) => p99Ms !== undefined)
        .map(({ what, p99Ms }) => ({
          label: what,
          value: p99Ms,
          text: `${p99Ms.toFixed(2)} ms`,
          isOurs: what.startsWith("close"),
        })),
    }),
};
