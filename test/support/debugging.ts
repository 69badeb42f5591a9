// Imported before the package, which decides when it is loaded whether it writes debug lines.
import { stderr } from "node:process";
import { jest } from "@jest/globals";

process.env["DEBUG"] = "express-logout*";

/** Collects what is written to stderr from now on, in place of writing it. */
export function collectStderr(): { readonly text: () => string; readonly stop: () => void } {
  const written: string[] = [];
  const write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    written.push(String(chunk));
    const done = rest.at(-1);
    if (isFunction(done)) done();
    return true;
  };
  const spy = jest.spyOn(stderr, "write").mockImplementation(write);
  return {
    text: () => written.join(""),
    stop: () => {
      spy.mockRestore();
    },
  };
}

function isFunction(value: unknown): value is () => void {
  return typeof value === "function";
}
