import { readFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "@jest/globals";
import { installed, tried } from "../support/tried.js";

/** Both are set by the project in the configuration of Jest. */
declare const EXPRESS_MAJOR: string;
/** The folder in `node_modules` that each package is mapped to. */
declare const PACKAGES: Readonly<Record<"express" | "express-session", string>>;

const NAMES = ["express", "express-session"] as const;
const stores = EXPRESS_MAJOR === "4" ? "two stores" : "every store";
const isShort = PACKAGES["express-session"] !== "express-session";

afterAll(() => {
  const what = isShort ? "a part of the integration tests" : `integration tests, on ${stores}`;
  for (const name of NAMES) tried({ kind: "framework", ...installed(PACKAGES[name]), what: [what] });
});

describe("the project of these tests", () => {
  it.each(NAMES)("runs on the mapped version of %s", (name) => {
    const { version } = JSON.parse(readFileSync(require.resolve(`${name}/package.json`), "utf8")) as {
      version: string;
    };
    expect(version).toBe(installed(PACKAGES[name]).version);
  });

  it("runs on the major version of Express that other tests expect", () => {
    expect(installed(PACKAGES.express).version.split(".")[0]).toBe(EXPRESS_MAJOR);
  });
});
