import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { MemoryStore } from "express-session";
import { logout } from "../../lib/index.js";
import { allRoutes } from "../../lib/http/routes.js";
import { resolveOptions } from "../../lib/options.js";

const ROOT = join(__dirname, "../..");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const OPTIONS = { store: new MemoryStore(), appId: "shop" };

/** Every page that users read. */
const PAGES = [
  ...["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"],
  ...readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" }).map((name) => `docs/${name}`),
].filter((name) => name.endsWith(".md"));

const withoutCode = (markdown: string): string => markdown.replace(/^ *```[\s\S]*?^ *```/gm, "");

describe("the README", () => {
  it("has at most 160 lines of at most 130 characters, and code within the first 15", () => {
    const lines = read("README.md").trimEnd().split("\n");
    expect(lines.length).toBeLessThanOrEqual(160);
    expect(lines.filter((line) => line.length > 130)).toEqual([]);
    expect(lines.slice(0, 15)).toContainEqual(expect.stringContaining("import { logout }"));
  });
});

describe("the links of the docs", () => {
  const anchorOf = (heading: string): string =>
    heading
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-");
  const anchors = (page: string): string[] =>
    [...withoutCode(read(page)).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => anchorOf(heading));
  const links = PAGES.flatMap((page) =>
    [...withoutCode(read(page)).matchAll(/\]\((?!https?:)([^)\s#]*)(?:#([^)\s]*))?\)/g)].map(
      ([, path = "", anchor = ""]) => ({
        page,
        to: path === "" ? page : normalize(join(dirname(page), path)),
        anchor,
      }),
    ),
  );

  it("lead to files and headings that exist", () => {
    expect(links.length).toBeGreaterThan(50);
    const dead = links.filter(
      ({ to, anchor }) => !existsSync(join(ROOT, to)) || (anchor !== "" && !anchors(to).includes(anchor)),
    );
    expect(dead).toEqual([]);
  });
});

describe("the promises in SECURITY.md", () => {
  const tests = [...read("SECURITY.md").matchAll(/^ {2}Tests: ([\s\S]*?)(?=\n-|\n\n)/gm)].map(
    ([, names = ""]) => names,
  );
  const named = [...tests.join("\n").matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);

  it("name tests that exist", () => {
    expect(tests.length).toBe([...read("SECURITY.md").matchAll(/^- \*\*/gm)].length);
    expect(named.length).toBeGreaterThan(30);
    const fileOf = (name: string): string => `${name.includes("/") ? name : `test/integration/${name}`}.test.ts`;
    expect(named.filter((name) => !existsSync(join(ROOT, fileOf(name))))).toEqual([]);
  });
});

describe("the reference", () => {
  it("is current: npm run docs:reference", () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ["scripts/docs-reference.mjs", "--check"], {
      cwd: ROOT,
      encoding: "utf8",
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  it("has every route with its default path, and no other", () => {
    const admin = { userPoolId: "acme", tokens: ["token"] };
    const options = resolveOptions({ ...OPTIONS, admin, console: { authorize: () => true }, audit: { history: {} } });
    const paths = allRoutes({ providers: [] }).flatMap((route) =>
      route.paths(options).map((path) => `${route.method.toUpperCase()} ${path}${route.part ?? ""}`),
    );
    const bullets = [...read("docs/reference/routes.md").matchAll(/^- ((?:`[^`]+`(?:, )?)+)/gm)];
    const shown = bullets.flatMap(([, names = ""]) =>
      [...names.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name.replace(/\?.*$/, "")),
    );
    expect(shown.sort()).toEqual(paths.sort());
  });

  it("has every control, and no other", async () => {
    const auth = logout({ ...OPTIONS, store: new MemoryStore() });
    await auth.close();
    const [controls = ""] = read("docs/reference/controls.md").split("\n## Events\n");
    const shown = [...controls.matchAll(/^### `(\w+)`$/gm)].map(([, name]) => name);
    expect(shown.sort()).toEqual(Object.keys(auth).sort());
  });
});

describe("the upgrade page", () => {
  const rows = (text: string): string[] =>
    [...text.matchAll(/^\| (?!-).*\|$/gm)].map(([row]) => row.replace(/ +/g, " "));

  it("has every row of the changelog's tables, and no other", () => {
    const [, upgrade = ""] = /### Upgrade from 0\.1\n([\s\S]*?)\n### Added/.exec(read("CHANGELOG.md")) ?? [];
    expect(rows(upgrade).length).toBeGreaterThan(50);
    expect(rows(read("docs/upgrading.md"))).toEqual(rows(upgrade));
  });
});

describe("the recipes in the docs", () => {
  const docs = PAGES.map(read).join("\n");
  const shown = [...docs.matchAll(/<!-- (\S+) -->\n\n```ts\n([\s\S]*?)```/g)].map(([, path = "", code]) => ({
    path,
    code,
  }));

  it.each(shown)("equal the tested files: $path", ({ path, code }) => {
    expect(code).toBe(read(path));
  });

  it("include every tested recipe", () => {
    const recipes = readdirSync(join(ROOT, "test/recipes")).map((name) => `test/recipes/${name}`);
    expect([...new Set(shown.map(({ path }) => path))].sort()).toEqual(recipes.sort());
  });
});

describe("the table of tried versions", () => {
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
