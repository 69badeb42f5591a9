import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { describe, expect, it } from "@jest/globals";
import ts from "typescript";
import * as publicNames from "../../lib/index.js";
import * as authingNames from "../../lib/authing/index.js";
import * as oidcNames from "../../lib/oidc/index.js";
import * as opentelemetryNames from "../../lib/opentelemetry/index.js";
import * as registryNames from "../../lib/registry/index.js";
import * as postgresNames from "../../lib/registry/postgres/index.js";
import * as redisNames from "../../lib/registry/redis/index.js";
import * as sqliteNames from "../../lib/registry/sqlite/index.js";
import * as testingNames from "../../lib/registry/testing/index.js";

const LIB = join(__dirname, "../../lib");

/** The folders and files that each folder or file of lib may import at run time. Types may come from anywhere but `index`. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  types: [],
  util: [],
  registry: ["errors", "util"],
  audit: ["errors", "util"],
  session: ["errors", "util"],
  pages: ["errors", "util"],
  live: ["errors", "util"],
  logins: ["audit", "errors", "operation", "session", "util"],
  options: ["errors", "pages", "registry", "session", "util"],
  http: ["errors", "logins", "options", "pages", "util"],
  diagnose: ["http", "operation", "registry", "session"],
  operation: ["errors", "registry", "util"],
  closing: ["util"],
  controls: [],
  logout: [
    "audit",
    "closing",
    "diagnose",
    "errors",
    "http",
    "live",
    "logins",
    "operation",
    "options",
    "pages",
    "registry",
    "session",
    "util",
  ],
  index: ["errors", "logout", "registry"],
  opentelemetry: ["errors", "operation", "util"],
  jose: ["errors", "util"],
  oidc: ["errors", "jose", "options", "util"],
  authing: ["errors", "http", "jose", "options", "util"],
  cli: ["audit", "errors", "logins", "operation", "registry", "session", "util"],
};
const NO_ONE_IMPORTS = [
  "redis",
  "ioredis",
  "jose",
  "connect-redis",
  "pg",
  "better-sqlite3",
  "libsql",
  "express-session",
];

interface Import {
  readonly from: string;
  readonly to: string;
}

const topLevelName = (path: string): string => path.split("/")[0]?.replace(/\.(tsx?|js)$/, "") ?? "";

function importsAtRunTime(): Import[] {
  const files = readdirSync(LIB, { recursive: true, encoding: "utf8" }).filter((file) => /\.tsx?$/.test(file));
  return files.flatMap((file) => {
    const source = readFileSync(join(LIB, file), "utf8").replace(/\/\*[\s\S]*?\*\//g, "");
    const statements = [...source.matchAll(/^(?:import|export)\s+(?!type\b)[^;]*?from\s+"([^"]+)"/gm)];
    return statements.map(([, to = ""]) => ({
      from: file,
      to: to.startsWith(".") ? relative(LIB, normalize(join(LIB, dirname(file), to))) : to,
    }));
  });
}

const IMPORTS = importsAtRunTime();
const isOwn = ({ to }: Import): boolean => /\.c?js$/.test(to);
const OWN = IMPORTS.filter(isOwn);
const FOREIGN = IMPORTS.filter((each) => !isOwn(each));

describe("the structure of lib", () => {
  it("has only the planned folders and files", () => {
    const found = readdirSync(LIB).map((name) => topLevelName(name));
    // The groups of options.ts have a folder.
    expect(found.sort()).toEqual([...Object.keys(MAY_IMPORT), "options"].sort());
  });

  it("imports in one direction only", () => {
    expect(OWN.length).toBeGreaterThan(40);
    const wrong = OWN.filter(
      ({ from, to }) =>
        topLevelName(from) !== topLevelName(to) && MAY_IMPORT[topLevelName(from)]?.includes(topLevelName(to)) !== true,
    );
    expect(wrong).toEqual([]);
  });

  it("imports Express only in http, and no store or client", () => {
    const express = FOREIGN.filter(({ to }) => to === "express").map(({ from }) => from);
    expect(express.sort()).toEqual([
      "authing/index.ts",
      "http/authing-api/router.ts",
      "http/body.ts",
      "http/middleware.ts",
    ]);
    expect(FOREIGN.filter(({ to }) => NO_ONE_IMPORTS.includes(to))).toEqual([]);
  });

  it("has handlers that know no Express", () => {
    const handlers = readdirSync(join(LIB, "http"), { recursive: true, encoding: "utf8" }).filter(
      (file) => /^(?:authing-api|logout|pages)\//.test(file) && file !== "authing-api/router.ts",
    );
    const sources = handlers.filter((file) => file.endsWith(".ts"));
    expect(sources.length).toBeGreaterThan(8);
    expect(sources.filter((file) => readFileSync(join(LIB, "http", file), "utf8").includes('from "express"'))).toEqual(
      [],
    );
  });

  it("loads no OpenID Connect from the main entry, and jose only in the one file that requires it", () => {
    const reached = new Set(["index.ts"]);
    for (const file of reached) {
      for (const { to } of OWN.filter(({ from }) => from === file)) {
        for (const ending of [".ts", ".tsx"]) reached.add(to.replace(/\.js$/, ending));
      }
    }
    expect(reached.size).toBeGreaterThan(100);
    expect([...reached].filter((file) => file.startsWith("oidc/"))).toEqual([]);
    const requires = /\brequire\("jose"\)|\bimport\("jose"\)/;
    const files = readdirSync(LIB, { recursive: true, encoding: "utf8" }).filter((file) => /\.c?tsx?$/.test(file));
    expect(files.filter((file) => requires.test(readFileSync(join(LIB, file), "utf8")))).toEqual(["jose/jose.cts"]);
  });

  it("imports only declared packages", () => {
    const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(LIB, "../package.json"), "utf8")) as {
      dependencies: object;
      peerDependencies: object;
    };
    const declared = [...Object.keys(dependencies), ...Object.keys(peerDependencies)];
    const packages = new Set(FOREIGN.map(({ to }) => to).filter((to) => !to.startsWith("node:")));
    expect([...packages].filter((name) => !declared.includes(name))).toEqual([]);
  });
});

describe("the files of lib", () => {
  const MAX_FILE_LINES = 300;
  const MAX_FUNCTION_LINES = 60;
  /** Style sheets, text tables, what the build writes, and migrations, which never change. */
  const TABLES = /\.css$|^pages\/texts\/|\/bundle\.ts$|\/sql\/\d+\.sql$/;

  const files = readdirSync(LIB, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.(tsx?|css|lua|sql)$/.test(file) && !TABLES.test(file))
    .map((file) => ({ file, source: readFileSync(join(LIB, file), "utf8") }));
  const longFiles = files.filter(({ source }) => linesIn(source) > MAX_FILE_LINES).map(({ file }) => file);
  /** A group of tests is a list of them, however long. */
  const SUITES = "registry/testing/";
  const longFunctions = files
    .filter(({ file }) => /\.tsx?$/.test(file) && !file.startsWith(SUITES))
    .flatMap(longFunctionsIn);

  function linesIn(source: string): number {
    return source.replace(/\n$/, "").split("\n").length;
  }

  function longFunctionsIn({ file, source }: { file: string; source: string }): { file: string; line: number }[] {
    const parsed = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
    const lineOf = (position: number): number => parsed.getLineAndCharacterOfPosition(position).line + 1;
    const found: { file: string; line: number }[] = [];
    const visit = (node: ts.Node): void => {
      const line = lineOf(node.getStart(parsed));
      if (isFunction(node) && lineOf(node.end) - line >= MAX_FUNCTION_LINES) found.push({ file, line });
      ts.forEachChild(node, visit);
    };
    visit(parsed);
    return found;
  }

  function isFunction(node: ts.Node): boolean {
    return ts.isFunctionLike(node) && "body" in node && node.body !== undefined;
  }

  it("have at most 300 lines, and functions of at most 60", () => {
    expect(files.length).toBeGreaterThan(80);
    expect(longFiles).toEqual([]);
    expect(longFunctions).toEqual([]);
  });

  it.each([
    [60, 0],
    [61, 1],
  ])("are measured by this test: a function of %d lines", (lines, count) => {
    const source = `const f = () => {${"\n".repeat(lines - 1)}};`;
    expect(longFunctionsIn({ file: "a.ts", source })).toHaveLength(count);
    expect(linesIn("\n".repeat(lines))).toBe(lines);
  });
});

describe("the public names", () => {
  it("are these", () => {
    const names = ["LogoutError", "MemoryLoginRegistry", "logout"];
    expect(Object.keys(publicNames).sort()).toEqual(names);
    expect(Object.keys(registryNames)).toEqual(["LogoutError"]);
    expect(Object.keys(opentelemetryNames)).toEqual(["instrument"]);
    expect(Object.keys(authingNames)).toEqual(["authing"]);
    expect(Object.keys(oidcNames).sort()).toEqual(["keycloakClaims", "oidc", "oktaClaims"]);
    expect(Object.keys(testingNames)).toEqual(["testRegistry"]);
    expect(Object.keys(postgresNames)).toEqual(["PostgresLoginRegistry"]);
    expect(Object.keys(redisNames)).toEqual(["RedisLoginRegistry"]);
    expect(Object.keys(sqliteNames)).toEqual(["SqliteLoginRegistry"]);
  });
});
