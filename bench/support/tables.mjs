const count = (number) => number.toLocaleString("en");

const figure = (number) => (number < 100 ? number.toFixed(3) : count(Math.round(number)));

export const spreadText = (value) =>
  value === undefined ? "" : `${figure(value.median)} (${figure(value.low)}–${figure(value.high)})`;

const target = {
  name: "target",
  of: (row) => (row.target === undefined ? "" : `${row.target}: ${row.met ? "met" : "MISSED"}`),
};
const arm = { name: "arm", of: (row) => row.arm };
const orMissing = (text, row) => (row.unavailable === undefined ? text : "not available");

/** What the rows of each bench look like, for people: on the terminal and in docs/performance.md alike. */
export const TABLES = {
  request: {
    title: "What a request costs",
    explanation:
      "Requests a second through one process, divided by those of the same app without this package (bare) in the same round. The two MemoryStore arms are compared with each other. The bare app's answers wait until the session is touched; this package's do so in the arm `waitForTouch` alone.",
    columns: [
      { name: "request", of: ({ kind }) => kind },
      arm,
      { name: "requests/s", of: (row) => orMissing(row.requestsPerSecond?.toFixed(0), row) },
      { name: "÷ bare", of: (row) => spreadText(row.ratio) },
      { name: "CPU µs", of: ({ cpuMicros }) => cpuMicros?.toFixed(0) },
      { name: "p50 ms", of: ({ p50Ms }) => p50Ms?.toFixed(2) },
      { name: "p99 ms", of: ({ p99Ms }) => p99Ms?.toFixed(2) },
      { name: "Redis commands", of: ({ commands }) => commands?.toFixed(2) },
      target,
    ],
  },
  latency: {
    title: "Where Redis is not next door",
    explanation:
      "The time that half of the logged-in requests stay below, with so much more on the way to Redis and back, divided by that of the bare app.",
    columns: [
      { name: "delay ms", of: ({ delayMs }) => String(delayMs) },
      arm,
      { name: "p50 ms", of: (row) => orMissing(row.p50Ms?.toFixed(2), row) },
      { name: "p50 ÷ bare", of: (row) => spreadText(row.ratio) },
      { name: "p99 ms", of: ({ p99Ms }) => p99Ms?.toFixed(2) },
      target,
    ],
  },
  kick: {
    title: "How long it takes to force users offline",
    explanation:
      "By this package; the naive way, which is all() and destroy(); better-auth's revokeUserSessions; and the floor, which is to delete as many known sessions in one pipeline.",
    columns: [
      { name: "kicked", of: ({ kicked }) => kicked },
      { name: "by", of: (row) => row.arm },
      { name: "sessions", of: ({ sessions }) => count(sessions) },
      { name: "ms", of: ({ ms }) => ms.toFixed(ms < 10 ? 2 : 0) },
      { name: "rounds", of: ({ times }) => String(times) },
      { name: "ratio", of: (row) => (row.ratio === undefined ? "" : `${spreadText(row.ratio)} ${row.to}`) },
      target,
    ],
  },
  scale: {
    title: "What a login takes of memory, and a page of those who are online of time",
    explanation:
      "Each login has an address and a user agent; of Redis what the registry keeps, without the session itself. Of what is kept for a user as such, each of his logins has its part. A page has 10 users, with one login each.",
    columns: [
      { name: "registry", of: ({ registry }) => registry },
      { name: "logins", of: ({ logins }) => count(logins) },
      { name: "what", of: ({ what }) => what },
      { name: "value", of: ({ value, unit }) => `${value.toFixed(unit === "ms" ? 2 : 0)} ${unit}` },
      { name: "÷ the fewest", of: (row) => spreadText(row.ratio) },
      target,
    ],
  },
  live: {
    title: "How soon a socket on another node closes",
    explanation:
      "From the kick on one node to the close of the user's WebSocket on another; below 0: it was closed before the kick was answered. The floor is a bare publish that a subscriber hears.",
    columns: [
      { name: "what", of: ({ what }) => what },
      { name: "p50 ms", of: (row) => orMissing(row.p50Ms?.toFixed(3), row) },
      { name: "p99 ms", of: ({ p99Ms }) => p99Ms?.toFixed(3) },
      { name: "p99 ÷ floor", of: ({ toFloor }) => toFloor?.toFixed(2) },
      target,
    ],
  },
};
