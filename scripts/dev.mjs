// npm run dev: builds the package and the example app in watch mode, and restarts the app after each build without errors.
import { spawn } from "node:child_process";
import { watch } from "node:fs";
import process from "node:process";

const APP = "example-app/dist/server.js";
/** The example app is compiled again after the package, whose types it imports: one restart for both. */
const QUIET_MS = 1_000;

const children = new Set();
let app;
let restart;

function start(args, stdout = "inherit") {
  const child = spawn(process.execPath, args, { stdio: ["ignore", stdout, "inherit"] });
  children.add(child);
  child.once("close", () => children.delete(child));
  return child;
}

const ended = (child) => new Promise((resolve) => child.once("close", resolve));

async function restartApp() {
  if (app !== undefined && children.has(app)) {
    app.kill();
    await ended(app);
  }
  app = start([APP]);
}

/** Resolves after the first build without errors. */
function compile(project) {
  const tsc = start(["node_modules/typescript/bin/tsc", "-p", project, "--watch", "--preserveWatchOutput"], "pipe");
  return new Promise((resolve) => {
    tsc.stdout.on("data", (chunk) => {
      process.stdout.write(chunk);
      if (!String(chunk).includes("Found 0 errors")) return;
      resolve();
      clearTimeout(restart);
      restart = setTimeout(restartApp, QUIET_MS);
    });
  });
}

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    for (const child of children) child.kill();
    process.exit(0);
  });
}

const bundle = () => start(["scripts/bundle-browser.mjs"]);
await ended(bundle());
// The compiler watches the module that the pages' style sheet and script are bundled into.
watch("lib/pages/browser", (_event, name) => {
  if (name !== "bundle.ts") bundle();
});
// The example app imports the built package by its name.
await compile("tsconfig.build.json");
clearTimeout(restart);
await compile("example-app");
