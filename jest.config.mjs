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
  moduleNameMapper: {
    "^(\\.{1,2}/.*)\\.js$": "$1",
    "^express-logout$": "<rootDir>/lib/index.ts",
    "^express-logout/(redis|postgres)$": "<rootDir>/lib/registry/$1/index.ts",
  },
};

/** One project a major of Express; a test looks whether the mapping applies. */
const express = (major, mapping) => ({
  ...common,
  displayName: `express ${major}`,
  testMatch: ["<rootDir>/test/integration/**/*.test.ts"],
  moduleNameMapper: { ...common.moduleNameMapper, ...mapping },
  globals: { EXPRESS_MAJOR: major },
});

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
    express("4", { "^express(/.*)?$": "express4$1" }),
  ],
};
