import type { RegistryContext } from "./context.js";

/** The functions of a test runner: those of Jest, Vitest and `node:test`. */
export interface TestRunner {
  describe(name: string, body: () => void): unknown;
  it(name: string, body: () => Promise<void>): unknown;
}

/** Where a topic registers its tests. Each test gets a registry without data. */
export interface Suite {
  readonly describe: (name: string, body: () => void) => void;
  readonly test: (name: string, body: (context: RegistryContext) => Promise<void>) => void;
}
