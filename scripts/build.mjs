// Builds the package (ESM and CJS) and the example app, which imports the built package by its name.
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { bundleLua } from "./bundle-lua.mjs";
import { bundleSql } from "./bundle-sql.mjs";

const tsc = (project) =>
  execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", project], { stdio: "inherit" });

await import("./bundle-browser.mjs");
bundleLua();
bundleSql();
rmSync("dist", { recursive: true, force: true });
rmSync("example-app/dist", { recursive: true, force: true });
tsc("tsconfig.build.json");
tsc("tsconfig.cjs.json");
mkdirSync("dist/cjs", { recursive: true });
writeFileSync("dist/cjs/package.json", '{ "type": "commonjs" }\n');
// npm does so where it installs the package; in a clone, npx runs the file as it is.
chmodSync("dist/esm/cli/main.js", 0o755);
tsc("example-app");
