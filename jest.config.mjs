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
  // The sources import each other by the names of the built files.
  moduleNameMapper: { "^(\\.{1,2}/.*)\\.js$": "$1" },
  extensionsToTreatAsEsm: [],
};

export default {
  projects: [
    {
      ...common,
      displayName: "unit",
      testMatch: ["<rootDir>/test/unit/**/*.test.ts"],
    },
    {
      ...common,
      displayName: "express 5",
      testMatch: ["<rootDir>/test/integration/**/*.test.ts"],
    },
    {
      ...common,
      displayName: "express 4",
      testMatch: ["<rootDir>/test/integration/**/*.test.ts"],
      moduleNameMapper: { ...common.moduleNameMapper, "^express$": "express4" },
    },
  ],
};
