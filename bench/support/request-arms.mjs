/**
 * The arms of bench:request and bench:latency. `base`: what an arm is divided by; `kinds`: the requests it knows, by default
 * all; `least`: requests/s ÷ base that it must reach, if any; `commands`: Redis commands of a logged-in request.
 */
export const REQUEST_ARMS = [
  { name: "bare", module: "bare", base: "bare", commands: 2 },
  // What any middleware costs: nothing that is mounted on an app can do better without changing what the app does.
  { name: "bare with an empty middleware", module: "bare", settings: { emptyMiddleware: true }, base: "bare" },
  { name: "express-logout", module: "express-logout", base: "bare", commands: 3, least: 0.93 },
  // What the package costs where answers wait for the session's touch, as the bare app's do.
  {
    name: "express-logout, waitForTouch",
    module: "express-logout",
    settings: { options: { sessions: { waitForTouch: true } } },
    base: "bare",
    kinds: ["logged-in"],
  },
  {
    name: "express-logout, touchIntervalMs",
    module: "express-logout",
    settings: { options: { sessions: { touchIntervalMs: 60_000 } } },
    base: "bare",
    commands: 2,
    least: 0.97,
  },
  {
    name: "express-logout, coherent cache",
    module: "express-logout",
    settings: { options: { sessions: { touchIntervalMs: 60_000 } }, registryOptions: { coherentCache: true } },
    base: "bare",
    commands: 1,
    least: 1,
  },
  { name: "bare, MemoryStore", module: "bare", settings: { place: "memory" }, base: "bare, MemoryStore" },
  {
    name: "express-logout, MemoryStore",
    module: "express-logout",
    settings: { place: "memory" },
    base: "bare, MemoryStore",
    least: 0.97,
  },
  { name: "bare, SQLite", module: "bare", settings: { place: "sqlite" }, base: "bare, SQLite" },
  {
    name: "express-logout, SQLite",
    module: "express-logout",
    settings: { place: "sqlite" },
    base: "bare, SQLite",
  },
  {
    name: "express-openid-connect",
    module: "openid-connect",
    settings: { lookUps: true },
    base: "bare",
    kinds: ["logged-in", "anonymous", "write"],
  },
  {
    name: "express-openid-connect, no look-ups",
    module: "openid-connect",
    settings: { lookUps: false },
    base: "bare",
    kinds: ["logged-in"],
    isOpen: true,
  },
  { name: "better-auth", module: "better-auth", base: "bare", kinds: ["logged-in", "anonymous"] },
];
