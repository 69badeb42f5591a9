import type jose = require("jose");

/** CommonJS, so that the optional peer is loaded at its first use, in both builds, and bundlers find it. */
export = {
  load: (): typeof jose => require("jose") as typeof jose,
  /** Throws if there is no file of the package: it is not installed, or part of a bundle. */
  find: (): string => require.resolve("jose"),
};
