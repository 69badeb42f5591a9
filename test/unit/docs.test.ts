import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";

const ROOT = join(__dirname, "../..");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

describe("the recipes in the docs", () => {
  const pages = ["README.md", ...readdirSync(join(ROOT, "docs")).map((name) => `docs/${name}`)];
  const docs = pages
    .filter((name) => name.endsWith(".md"))
    .map(read)
    .join("\n");
  const shown = [...docs.matchAll(/<!-- (\S+) -->\n\n```ts\n([\s\S]*?)```/g)].map(([, path = "", code]) => ({
    path,
    code,
  }));

  it.each(shown)("are, letter by letter, what the tests run: $path", ({ path, code }) => {
    expect(code).toBe(read(path));
  });

  it("are all there are", () => {
    const recipes = readdirSync(join(ROOT, "test/recipes")).map((name) => `test/recipes/${name}`);
    expect([...new Set(shown.map(({ path }) => path))].sort()).toEqual(recipes.sort());
  });
});

describe("the codes of errors", () => {
  it("each have a heading in the docs, and no other has one", () => {
    const [, union = ""] = /type LogoutErrorCode =([^;]*);/.exec(read("lib/errors.ts")) ?? [];
    const codes = [...union.matchAll(/"(\w+)"/g)].map(([, code]) => code);
    const headings = [...read("docs/errors.md").matchAll(/^### (\w+)$/gm)].map(([, code]) => code);
    expect(codes.length).toBeGreaterThan(10);
    expect(headings.sort()).toEqual(codes.sort());
  });
});
