// Writes the style sheet and the script of the pages into a module, so that ESM, CommonJS and bundlers all find them.
import { readFileSync, writeFileSync } from "node:fs";
import { buildSync, transformSync } from "esbuild";

const folder = "lib/pages/browser";
const style = transformSync(readFileSync(`${folder}/style.css`, "utf8"), {
  loader: "css",
  charset: "utf8",
  minify: true,
  target: "chrome111",
}).code;
const { outputFiles } = buildSync({
  entryPoints: [`${folder}/script.ts`],
  bundle: true,
  write: false,
  format: "iife",
  target: "es2022",
  charset: "utf8",
  minify: true,
  logLevel: "error",
});

writeFileSync(
  `${folder}/bundle.ts`,
  `// Written by scripts/bundle-browser.mjs from style.css and script.ts.
export const STYLE = ${JSON.stringify(style)};
export const SCRIPT = ${JSON.stringify(outputFiles[0].text)};
`,
);
