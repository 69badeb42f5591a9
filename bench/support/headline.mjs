import { spreadText } from "./tables.mjs";

/** The few figures at the top of docs/performance.md: the label, and how the figure is found among the rows of the benches. */
const LINES = [
  ["logged-in requests/s ÷ the bare app", request("express-logout")],
  ["… with `waitForTouch`", request("express-logout, waitForTouch")],
  ["… with `touchIntervalMs`", request("express-logout, touchIntervalMs")],
  ["… with `touchIntervalMs` and the coherent cache", request("express-logout, coherent cache")],
  ["… of express-openid-connect, with its two look-ups", request("express-openid-connect")],
  ["… of better-auth, on Redis", request("better-auth")],
  [
    "p50 of a logged-in request with 2 ms to Redis ÷ the bare app",
    ({ latency }) => ratio(latency.find(({ arm, delayMs }) => arm === "express-logout" && delayMs === 2)),
  ],
  [
    "kick of one user, 2 logins: among 1,000,000 sessions ÷ among 1,000",
    ({ kick }) => ratio(twoLogins(kick, "express-logout")),
  ],
  ["… the same by `all()` and `destroy()` ÷ this package", ({ kick }) => ratio(twoLogins(kick, "naive"))],
  [
    "kick of 1,000 users with 3 logins each, in one HTTP call ÷ as many `DEL`s in one pipeline",
    ({ kick }) => ratio(kick.find(ofPackage("1,000 users, 3 logins each"))),
  ],
  [
    "on SQLite: CPU time of a logged-in request ÷ the bare app's on SQLite",
    ({ request: rows }) => spreadText(loggedIn(rows, "express-logout, SQLite")?.cpuRatio),
  ],
  [
    "… kick of 1,000 users in one HTTP call ÷ as many `DELETE`s in one transaction",
    ({ kick }) => ratio(kick.find(ofPackage("1,000 users, 1 login each, on SQLite"))),
  ],
  [
    "first page of who is online: 1,000,000 logins ÷ 1,000",
    ({ scale }) => ratio(scale.findLast(({ registry, what }) => registry === "Redis" && what === "first page")),
  ],
  [
    "bytes of Redis a login, three a user",
    ({ scale }) => scale.findLast(({ what }) => what === "a login, 3 a user")?.value.toFixed(0),
  ],
];

function request(arm) {
  return ({ request: rows }) => ratio(loggedIn(rows, arm));
}

function loggedIn(rows, arm) {
  return rows.find((row) => row.kind === "logged-in" && row.arm === arm);
}

function ofPackage(kicked) {
  return (row) => row.kicked === kicked && row.arm === "express-logout";
}

function twoLogins(rows, by) {
  return rows.findLast(({ kicked, arm }) => kicked === "1 user, 2 logins" && arm === by);
}

function ratio(row) {
  return spreadText(row?.ratio);
}

/** @param rows - of each bench, by its name */
export function headline(rows) {
  const [{ date, machine }] = rows.request;
  const lines = LINES.map(([what, of]) => `| ${what} | ${of(rows) ?? ""} |`);
  return [
    "| what | median (quartiles) |",
    "| --- | --- |",
    ...lines,
    "",
    `Measured side by side on ${date}, on ${machine}. The bare app is express, express-session and connect-redis with a`,
    "handler that does nothing.",
  ].join("\n");
}

/** The line of README. @param rows - of each bench, by its name */
export function sentence(rows) {
  const [beside, waiting] = ["express-logout", "express-logout, waitForTouch"].map((arm) => request(arm)(rows) ?? "");
  return `Logged-in requests per second ÷ the bare app: ${beside}; with \`waitForTouch\` ${waiting}.`;
}
