import { readFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "@jest/globals";
import { installed, tried } from "../support/tried.js";

/** Set by the project in the configuration of Jest. */
declare const EXPRESS_MAJOR: string;

afterAll(() => {
  const [folder, stores] = EXPRESS_MAJOR === "4" ? ["express4", "two stores"] : ["express", "every store"];
  tried({ kind: "framework", ...installed(folder), what: [`integration tests, on ${stores}`] });
  tried({ kind: "framework", ...installed("express-session"), what: ["integration tests, on every store"] });
});

describe("the project of these tests", () => {
  it("runs on the major of Express that it is named after", () => {
    const { version } = JSON.parse(readFileSync(require.resolve("express/package.json"), "utf8")) as {
      version: string;
    };
    expect(version.split(".")[0]).toBe(EXPRESS_MAJOR);
  });
});
