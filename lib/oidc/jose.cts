import type jose = require("jose");

/** CommonJS, so that the optional peer is loaded at its first use, in both builds, and bundlers find it. */
export = {
  load: (): typeof jose => require("jose") as typeof jose,
  /** Throws if the package is not installed. Where a bundle holds the package, only loading it can tell. */
  find: (): string => require.resolve("jose"),
};
