import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import ts from "typescript";

const ROOT = join(__dirname, "../..");
const PAGES = ["README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md"];

/** Words that read as translated, or name a user by the wrong pronoun. */
const WORDS = [
  "he|his|him|himself",
  "told|tells?|telling",
  "whoever|whatever|whomever",
  "nobody|somebody",
  "comes? by|comes? about|at hand|so it is|goes out whole|made sure|broke off",
  "road|house|room",
];
const UNWANTED = new RegExp(`\\b(?:${WORDS.join("|")})\\b`, "gi");

function filesIn(folder: string, ending: RegExp): readonly string[] {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" });
  return files.filter((file) => ending.test(file)).map((file) => join(folder, file));
}

const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");

/** Every unwanted word, with its line, as an editor finds it. */
function unwantedIn(text: string, file: string): readonly string[] {
  return text
    .split("\n")
    .flatMap((line, index) => [...line.matchAll(UNWANTED)].map(([word]) => `${file}:${String(index + 1)} ${word}`));
}

/** The titles of the tests in a file, each on its own line of the file. */
function titlesIn(file: string): string {
  const source = ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest);
  const lines = source.getLineStarts().map(() => "");
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && /^(?:describe|it|test)\b/.test(node.expression.getText(source))) {
      const [title] = node.arguments;
      if (title !== undefined && (ts.isStringLiteralLike(title) || ts.isTemplateExpression(title))) {
        const { line } = source.getLineAndCharacterOfPosition(title.getStart(source));
        lines[line] = title.getText(source);
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return lines.join("\n");
}

describe("the language", () => {
  it("finds an unwanted word in any case, and not as a part of another word", () => {
    expect(unwantedIn("Nobody knows.\nA household, the mushroom and isTold are fine.\nHe does.", "a.md")).toEqual([
      "a.md:1 Nobody",
      "a.md:3 He",
    ]);
  });

  it.each([
    ["lib", filesIn("lib", /(?<!bundle)\.(ts|tsx|css|lua|sql)$/), read],
    ["docs", filesIn("docs", /\.md$/), read],
    ["pages of the repository", PAGES, read],
    ["the example app", filesIn("example-app", /^(?!dist\/).*\.(ts|tsx)$/), read],
    ["scripts", filesIn("scripts", /\.mjs$/), read],
    ["benches", filesIn("bench", /\.mjs$/), read],
    ["titles of tests", filesIn("test", /^(?!.*\bdist\/).*\.test\.ts$/), titlesIn],
  ])("is plain English in %s", (_where, files, textOf) => {
    expect(files.length).toBeGreaterThan(3);
    expect(files.flatMap((file) => unwantedIn(textOf(file), file))).toEqual([]);
  });
});
