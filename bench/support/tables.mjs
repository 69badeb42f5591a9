const count = (number) => number.toLocaleString("en");

const figure = (number) => (number < 100 ? number.toFixed(3) : count(Math.round(number)));

export const spreadText = (value) =>
  value === undefined ? "" : `${figure(value.median)} (${figure(value.low)}–${figure(value.high)})`;

const target = {
  name: "target",
  of: (row) => (row.target === undefined ? "" : `${row.target}: ${verdict(row)}`),
};
const verdict = ({ met, isUnclear = false }) => (isUnclear ? "TOO WIDE TO JUDGE" : met ? "met" : "MISSED");
const arm = { name: "arm", of: (row) => row.arm };
const orMissing = (text, row) => (row.unavailable === undefined ? text : "not available");

/** What the rows of each bench look like, for people: on the terminal and in docs/performance.md alike. */
export const TABLES = {
  request: {
    title: "Cost of a request",
    explanation:
      "Requests per second of one process, divided by those of the same app without this package (bare) in the same round. The arms on MemoryStore are compared with each other, and so are those on SQLite. Responses of the bare app wait until the session is touched; responses of this package wait only in the arm `waitForTouch`.",
    columns: [
      { name: "request", of: ({ kind }) => kind },
      arm,
      { name: "requests/s", of: (row) => orMissing(row.requestsPerSecond?.toFixed(0), row) },
      { name: "÷ bare", of: (row) => spreadText(row.ratio) },
      { name: "CPU µs", of: ({ cpuMicros }) => cpuMicros?.toFixed(0) },
      { name: "CPU ÷ bare", of: (row) => spreadText(row.cpuRatio) },
      { name: "p50 ms", of: ({ p50Ms }) => p50Ms?.toFixed(2) },
      { name: "p99 ms", of: ({ p99Ms }) => p99Ms?.toFixed(2) },
      { name: "Redis commands", of: ({ commands }) => commands?.toFixed(2) },
      target,
    ],
  },
  cpu: {
    title: "CPU time of a request",
    explanation:
      "CPU time of the process, user and system, at a fixed rate of requests, divided by that of the same app without this package. Bare ÷ bare: a second process of that app; a run in which it is off by more than 0.02 is too noisy to judge. Responses of the bare app wait until the session is touched; responses of this package wait only in the arm `waitForTouch`. A login changes the session id and saves.",
    columns: [
      { name: "request", of: ({ kind }) => kind },
      arm,
      { name: "bare µs", of: ({ baseMicros }) => baseMicros.toFixed(0) },
      { name: "µs", of: ({ micros }) => micros.toFixed(0) },
      { name: "÷ bare", of: (row) => spreadText(row.ratio) },
      { name: "bare ÷ bare", of: (row) => spreadText(row.self) + (row.isNoisy ? " NOISY" : "") },
      target,
    ],
  },
  compare: {
    title: "CPU time of a request, beside an earlier commit",
    explanation:
      "CPU time of the process, user and system, divided by that of the earlier commit. Old ÷ old: a second process of the earlier commit; a run in which it is off by more than 0.02 is too noisy to judge.",
    columns: [
      { name: "request", of: ({ kind }) => kind },
      arm,
      { name: "old µs", of: ({ baseMicros }) => baseMicros.toFixed(0) },
      { name: "new ÷ old", of: (row) => spreadText(row.ratio) },
      { name: "old ÷ old", of: (row) => spreadText(row.self) + (row.isNoisy ? " NOISY" : "") },
      target,
    ],
  },
  latency: {
    title: "Latency with a distant Redis",
    explanation:
      "Median latency of logged-in requests with this extra round-trip delay to Redis, divided by that of the bare app.",
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
    title: "Kick duration",
    explanation:
      "By this package; naive, which is all() and destroy(); better-auth's revokeUserSessions; and the floor, which deletes the same number of known sessions in one pipeline, or on SQLite in one transaction.",
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
    title: "Memory per login, time per page of active users",
    explanation:
      "Each login has an address and a user agent. The Redis figures are what the registry keeps, without the session itself; what is kept per user is divided among the user's logins. A page has 10 users, with one login each.",
    columns: [
      { name: "registry", of: ({ registry }) => registry },
      { name: "logins", of: ({ logins }) => count(logins) },
      { name: "what", of: ({ what }) => what },
      { name: "value", of: ({ value, unit }) => `${value.toFixed(unit === "ms" ? 2 : 0)} ${unit}` },
      { name: "÷ the fewest", of: (row) => spreadText(row.ratio) },
      target,
    ],
  },
  cluster: {
    title: "Load of the masters of a Cluster",
    explanation:
      "Commands that each master runs while users log in and are active once, those within scripts among them: of the most loaded master, divided by the mean. Counted, not timed. The first page of who is online is timed, among so many logins and among 1,000.",
    columns: [
      { name: "masters", of: ({ masters }) => String(masters) },
      { name: "shards", of: ({ shards }) => String(shards) },
      { name: "logins", of: ({ logins }) => count(logins) },
      { name: "what", of: ({ what }) => what },
      { name: "commands a login", of: ({ commands }) => commands?.toFixed(1) },
      { name: "ratio", of: (row) => row.value?.toFixed(3) ?? spreadText(row.ratio) },
      target,
    ],
  },
  live: {
    title: "Time until a socket on another node closes",
    explanation:
      "From the kick on one node to the close of the user's WebSocket on another. A negative time means that the socket closed before the kick returned. The floor is a bare publish until a subscriber receives it.",
    columns: [
      { name: "what", of: ({ what }) => what },
      { name: "p50 ms", of: (row) => orMissing(row.p50Ms?.toFixed(3), row) },
      { name: "p99 ms", of: ({ p99Ms }) => p99Ms?.toFixed(3) },
      { name: "p99 ÷ floor", of: ({ toFloor }) => toFloor?.toFixed(2) },
      target,
    ],
  },
  "logout-tokens": {
    title: "Logout tokens at one node",
    explanation:
      "An identity provider sends so many logout tokens a second, each for a login that is there, while 200 other users make a request a second each. The time is from the request to its answer.",
    columns: [
      { name: "tokens/s", of: ({ rate }) => String(rate) },
      { name: "seconds", of: ({ seconds }) => String(seconds) },
      { name: "p50 ms", of: ({ p50Ms }) => p50Ms.toFixed(1) },
      { name: "p99 ms", of: ({ p99Ms }) => p99Ms.toFixed(1) },
      { name: "longest ms", of: ({ maxMs }) => maxMs.toFixed(1) },
      { name: "refused", of: ({ refused }) => String(refused) },
      { name: "still served", of: ({ stillServed }) => String(stillServed) },
      { name: "p99 ms of the others", of: ({ othersP99Ms }) => othersP99Ms.toFixed(1) },
      { name: "others refused", of: ({ othersRefused }) => String(othersRefused) },
      target,
    ],
  },
};
