import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { installed, tried } from "../support/tried.js";

const EMPTY = "# Title\n\n<!-- tried: written by npm run docs:compatibility -->\n\n<!-- /tried -->\n\nWhat follows.\n";

describe("the table of tried versions", () => {
  const folderOfTheRun = process.env["TRIED_FOLDER"];
  let root: string;
  let document: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "express-logout-table-"));
    document = join(root, "table.md");
  });
  afterEach(() => {
    if (folderOfTheRun === undefined) delete process.env["TRIED_FOLDER"];
    else process.env["TRIED_FOLDER"] = folderOfTheRun;
    rmSync(root, { recursive: true, force: true });
  });

  function write(...rows: Parameters<typeof tried>[0][]): string {
    process.env["TRIED_FOLDER"] = mkdtempSync(join(root, "run-"));
    rows.forEach(tried);
    const { status } = spawnSync(process.execPath, ["scripts/tried.mjs", process.env["TRIED_FOLDER"], document]);
    expect(status).toBe(0);
    return readFileSync(document, "utf8");
  }

  it("does not depend on the order of the suites, and has one row for each version", () => {
    const races = { kind: "store", name: "a-store", version: "9.0.0", what: ["races"] } as const;
    const older = { ...races, version: "10.0.0" };
    const I8 = { ...races, what: ["I8"] };
    const redis = { kind: "server", name: "Redis", version: "7.0", what: [] } as const;
    writeFileSync(document, EMPTY);
    const text = write(races, older, I8, redis, races);
    expect(text).toContain("What follows.");
    const rows = text.split("\n").filter((line) => line.startsWith("|"));
    expect(rows.slice(2).map((row) => row.replace(/\s+/g, " "))).toEqual([
      "| server | Redis | 7.0 | |",
      "| store | a-store | 10.0.0 | races |",
      "| store | a-store | 9.0.0 | I8, races |",
    ]);
    expect(write(redis, I8, older, races)).toBe(text);
  });

  it("is not changed by a run of some tests", () => {
    delete process.env["TRIED_FOLDER"];
    expect(() => tried({ kind: "store", name: "a-store", version: "1", what: [] })).not.toThrow();
  });

  it("has the real name of a package that is installed under another", () => {
    expect(installed("connect-redis7")).toEqual({ name: "connect-redis", version: "7.1.1" });
  });
});
