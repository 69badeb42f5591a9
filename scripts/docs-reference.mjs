// Writes docs/reference from the TSDoc in lib: `npm run docs:reference`. With `--check` it writes nothing, and fails if a page is
// not current. `routes.md` is written by people: no TSDoc has the routes. Not typedoc: its page of the main entry has 4,000 lines,
// of which most say where a type comes from, and it cannot show a group of options as a section or the codes of errors as headings.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { format } from "prettier";
import { writePages } from "./reference/pages.mjs";
import { readEnglish } from "./reference/texts.mjs";
import { readDeclarations, readFunctions, readStatuses } from "./reference/source.mjs";

const FOLDER = "docs/reference";
const isCheck = process.argv.includes("--check");

const exported = new Set(readFileSync("lib/index.ts", "utf8").match(/\b[A-Z]\w+\b/g));
const pages = writePages({
  declarations: readDeclarations("lib"),
  functions: new Map(
    ["opentelemetry/index", "oidc/index", "oidc/claims", "authing/index"].flatMap((name) => [
      ...readFunctions(`lib/${name}.ts`),
    ]),
  ),
  statuses: readStatuses("lib/errors.ts"),
  exported,
  english: await readEnglish(),
});
const stale = [];
for (const [name, text] of Object.entries(pages)) {
  const path = join(FOLDER, name);
  const page = await format(text, { parser: "markdown", printWidth: 120 });
  if (existsSync(path) && readFileSync(path, "utf8") === page) continue;
  stale.push(path);
  if (!isCheck) writeFileSync(path, page);
}
if (stale.length > 0) console.log(`${isCheck ? "Not current" : "Written"}: ${stale.join(", ")}`);
if (isCheck && stale.length > 0) {
  console.log("Run: npm run docs:reference");
  process.exitCode = 1;
}
