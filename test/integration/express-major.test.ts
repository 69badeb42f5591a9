import { readFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";

/** Set by the project in the configuration of Jest. */
declare const EXPRESS_MAJOR: string;

describe("the project of these tests", () => {
  it("runs on the major of Express that it is named after", () => {
    const { version } = JSON.parse(readFileSync(require.resolve("express/package.json"), "utf8")) as {
      version: string;
    };
    expect(version.split(".")[0]).toBe(EXPRESS_MAJOR);
  });
});
