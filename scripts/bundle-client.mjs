// Writes what browsers get into a module, so that the package finds it from ESM, from CommonJS and from a bundle alike.
import { readFileSync, writeFileSync } from "node:fs";
import ts from "typescript";

const folder = "lib/pages/client";
const style = readFileSync(`${folder}/style.css`, "utf8");
const { outputText } = ts.transpileModule(readFileSync(`${folder}/script.ts`, "utf8"), {
  compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ES2022, removeComments: true },
});
// A plain script, not a module: `export {}` is the compiler's, for files that import nothing.
const script = `(() => {\n${outputText.replace(/^export \{\};?\s*$/m, "")}})();\n`;

writeFileSync(
  `${folder}/bundle.ts`,
  `// Written by scripts/bundle-client.mjs from style.css and script.ts.
export const STYLE = ${JSON.stringify(style)};
export const SCRIPT = ${JSON.stringify(script)};
`,
);
