// node scripts/fixture.mjs: remakes test/fixtures/express-logout-0.1 from the commit of 0.1, for the tests of upgrades and rolling
// deploys. Needs a clone with its history.
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { buildCommit } from "../bench/support/built-commit.mjs";

const COMMIT = "06d2dac2b668bb006f1849774966a11bc267c9e7";
const FOLDER = "test/fixtures/express-logout-0.1";
const ENTRY = `export * from "./dist/esm/index.js";
export * from "./dist/esm/registry/redis/index.js";
export * from "./dist/esm/registry/postgres/index.js";
`;

const { folder, close } = buildCommit(COMMIT);
try {
  writeFileSync(join(folder, "entry.mjs"), ENTRY);
  buildSync({
    absWorkingDir: folder,
    entryPoints: ["entry.mjs"],
    outfile: "index.cjs",
    bundle: true,
    packages: "external",
    platform: "node",
    format: "cjs",
    minify: true,
    logLevel: "error",
  });
  copyFileSync(join(folder, "index.cjs"), join(FOLDER, "index.cjs"));
} finally {
  close();
}
