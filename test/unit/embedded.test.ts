import { describe, expect, it } from "@jest/globals";
import { MIGRATIONS } from "../../lib/registry/postgres/sql/bundle.js";
import * as redis from "../../lib/registry/redis/scripts/bundle.js";
import * as store from "../../lib/session/store/scripts/bundle.js";
import { CLOCK_MARGIN_MS } from "../../lib/util/clock-margin.js";

const SCRIPTS = Object.entries({ ...redis, ...store });

describe("the embedded Lua", () => {
  it.each(SCRIPTS)("of %s has no comments, no indentation and no open include", (_name, { source }) => {
    expect(source.split("\n").filter((line) => /^(?:\s|--|$)/.test(line))).toEqual([]);
    expect(source).not.toContain("@include");
  });

  it.each(SCRIPTS)("of %s includes each file once", (_name, { source }) => {
    const functions = [...source.matchAll(/^local function (\w+)/gm)].map(([, name]) => name);
    expect(functions).toEqual([...new Set(functions)]);
  });

  it("has the clock margin of TypeScript", () => {
    expect(redis.ADOPT.source).toContain(`local CLOCK_MARGIN_MS = ${String(CLOCK_MARGIN_MS)}\n`);
  });
});

describe("the migrations", () => {
  it("each end with their number, and with a version that they serve", () => {
    const versions = MIGRATIONS.map((text) => /\n {2}SELECT (\d+), (\d+)\n\$\$;\n$/.exec(text)?.slice(1).map(Number));
    expect(versions.map((each) => each?.[0])).toEqual(MIGRATIONS.map((_text, index) => index + 1));
    for (const [version = 0, serves = Infinity] of versions.map((each) => each ?? [])) {
      expect(serves).toBeLessThanOrEqual(version);
    }
  });

  it("have the clock margin of TypeScript", () => {
    expect(MIGRATIONS[1]).toContain(`+ ${String(CLOCK_MARGIN_MS)} > the_authentication`);
  });
});
