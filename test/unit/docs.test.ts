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

describe("the table of versions that were tried", () => {
  const { devDependencies } = JSON.parse(read("package.json")) as { devDependencies: Record<string, string> };
  /** `name@version` of each package that the tests use, by its real name. */
  const used = Object.entries(devDependencies).map(([name, version]) =>
    version.startsWith("npm:") ? version.slice("npm:".length) : `${name}@${version}`,
  );
  const names = new Set(used.map((each) => each.slice(0, each.lastIndexOf("@"))));
  const OTHER_NAMES: Readonly<Record<string, string>> = { "node-redis": "redis", MemoryStore: "express-session" };
  const packageIn = (text: string): string | undefined =>
    (text.match(/[@\w./-]+/g) ?? []).map((word) => OTHER_NAMES[word] ?? word).find((word) => names.has(word));

  const rows = [...read("docs/compatibility.md").matchAll(/^\| \S+ +\| (.*?) +\| (\d+\.\d+\.\d+) +\|/gm)];

  it.each(rows.map(([, what = "", version = ""]) => ({ what, version })))(
    "has $what in a version of package.json: $version",
    ({ what, version }) => {
      expect(used).toContain(`${packageIn(what) ?? "an unknown package"}@${version}`);
    },
  );

  it("has the oldest versions that the peer ranges allow", () => {
    const shown = rows.map(([, what = "", version = ""]) => `${what}@${version}`);
    for (const alias of ["express416", "express-session116"]) {
      expect(shown).toContain(devDependencies[alias]?.slice("npm:".length));
    }
  });
});
