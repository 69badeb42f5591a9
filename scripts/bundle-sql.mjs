// Writes migrations into modules, so that ESM, CommonJS and bundlers all find them.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FOLDERS = ["lib/registry/postgres/sql", "lib/registry/sqlite/sql"];

/** @param root - the folder of the project */
export function bundleSql(root = ".") {
  for (const folder of FOLDERS) bundle(join(root, folder));
}

function bundle(folder) {
  const names = readdirSync(folder).filter((name) => name.endsWith(".sql"));
  const migrations = names.sort().map((name) => JSON.stringify(readFileSync(join(folder, name), "utf8")));
  const text = `// Written by scripts/bundle-sql.mjs from the SQL files of this folder.
export const MIGRATIONS = [
${migrations.join(",\n")},
];
`;
  writeFileSync(join(folder, "bundle.ts"), text);
}
