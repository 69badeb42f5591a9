const transform = {
  "^.+\\.tsx?$": [
    "@swc/jest",
    {
      jsc: {
        parser: { syntax: "typescript", tsx: true },
        transform: { react: { runtime: "automatic", importSource: "preact" } },
        target: "es2023",
      },
    },
  ],
};

const common = {
  testEnvironment: "node",
  testEnvironmentOptions: { globalsCleanup: "on" },
  transform,
  setupFilesAfterEnv: ["<rootDir>/test/support/setup.ts"],
  // The sources import each other by the names of the built files; recipes import the package.
  moduleNameMapper: { "^(\\.{1,2}/.*)\\.js$": "$1", "^express-logout$": "<rootDir>/lib/index.ts" },
};

/** One project a major of Express; a test looks whether the mapping applies. */
const express = (major, mapping, name = "express", testMatch = ["<rootDir>/test/integration/**/*.test.ts"]) => ({
  ...common,
  displayName: `${name} ${major}`,
  testMatch,
  moduleNameMapper: { ...common.moduleNameMapper, ...mapping },
  globals: { EXPRESS_MAJOR: major },
});

const ON_EXPRESS_4 = { "^express(/.*)?$": "express4$1" };

export default {
  // Many tests wait for servers: both cores of a small machine are put to use.
  maxWorkers: 3,
  projects: [
    {
      ...common,
      displayName: "unit",
      testMatch: ["<rootDir>/test/{unit,registry,example,proof}/**/*.test.ts"],
    },
    {
      ...common,
      displayName: "browser",
      testMatch: ["<rootDir>/test/browser/**/*.test.ts"],
    },
    express("5", {}),
    express("4", ON_EXPRESS_4),
    // What runs in a server of its own, or on one major alone, is in a folder of its own, and runs once.
    express("5", {}, "field", ["<rootDir>/test/field/**/*.test.ts"]),
    express("4", ON_EXPRESS_4, "field", ["<rootDir>/test/field/*.test.ts"]),
  ],
};
