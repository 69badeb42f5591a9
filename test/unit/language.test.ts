import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";

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

/** Every unwanted word, with its line, as an editor finds it. */
function unwantedIn(text: string, file: string): readonly string[] {
  return text
    .split("\n")
    .flatMap((line, index) => [...line.matchAll(UNWANTED)].map(([word]) => `${file}:${String(index + 1)} ${word}`));
}

describe("the language", () => {
  it("finds an unwanted word in any case, and not as a part of another word", () => {
    expect(unwantedIn("Nobody knows.\nA household, the mushroom and isTold are fine.\nHe does.", "a.md")).toEqual([
      "a.md:1 Nobody",
      "a.md:3 He",
    ]);
  });

  it.each([
    ["lib", filesIn("lib", /\.(tsx?|css|lua|sql)$/)],
    ["docs", filesIn("docs", /\.md$/)],
    ["pages of the repository", PAGES],
  ])("is plain English in %s", (_where, files) => {
    expect(files.length).toBeGreaterThan(3);
    const sources = files.filter((file) => !file.endsWith("bundle.ts"));
    expect(sources.flatMap((file) => unwantedIn(readFileSync(join(ROOT, file), "utf8"), file))).toEqual([]);
  });
});
