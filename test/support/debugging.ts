// Imported before the package, which decides when it is loaded whether it writes debug lines.
import { stderr } from "node:process";
import { jest } from "@jest/globals";

process.env["DEBUG"] = "express-logout*";

/** Collects what is written to stderr from now on, in place of writing it. */
export function collectStderr(): { readonly text: () => string; readonly stop: () => void } {
  const written: string[] = [];
  const spy = jest.spyOn(stderr, "write").mockImplementation((chunk) => {
    written.push(String(chunk));
    return true;
  });
  return {
    text: () => written.join(""),
    stop: () => {
      spy.mockRestore();
    },
  };
}
