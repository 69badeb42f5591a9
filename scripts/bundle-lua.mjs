// Writes the Lua scripts of a folder into a module, so that ESM, CommonJS and bundlers all find them.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The folders of Lua scripts. A script is a file; files that scripts share are in `includes`. */
const FOLDERS = ["lib/registry/redis/scripts", "lib/session/store/scripts"];

/** A line of a script that stands for the file of this name in `includes`. Each file is included once in a script. */
const INCLUDE = /^--- @include "([\w-]+)"$/;

/** Returns the lines of a file and of the files that it includes. */
function linesOf(folder, name, included = new Set()) {
  const lines = readFileSync(join(folder, name), "utf8").split("\n");
  return lines.flatMap((line) => {
    const [, include] = INCLUDE.exec(line) ?? [];
    if (include === undefined) return [line];
    if (included.has(include)) return [];
    included.add(include);
    return linesOf(folder, `includes/${include}.lua`, included);
  });
}

/** Returns what Redis gets of a script: without comments, which have lines of their own, and indentation. */
function sourceOf(folder, name) {
  const lines = linesOf(folder, name).map((line) => line.trim());
  return lines.filter((line) => line !== "" && !line.startsWith("--")).join("\n");
}

function bundleOf(folder) {
  const names = readdirSync(folder).filter((name) => name.endsWith(".lua"));
  const scripts = names.sort().map((name) => {
    const source = sourceOf(folder, name);
    const sha = createHash("sha1").update(source).digest("hex");
    const constant = name.replace(".lua", "").replaceAll("-", "_").toUpperCase();
    return `export const ${constant} = ${JSON.stringify({ source, sha })};\n`;
  });
  return `// Written by scripts/bundle-lua.mjs from the Lua files of this folder. \`sha\`: the digest for EVALSHA.\n${scripts.join("")}`;
}

/** @param root - the folder of the project */
export function bundleLua(root = ".") {
  for (const folder of FOLDERS) writeFileSync(join(root, folder, "bundle.ts"), bundleOf(join(root, folder)));
}
