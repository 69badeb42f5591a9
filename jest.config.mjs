const transform = {
  // jose is ESM only, which Jest does not require: it becomes CommonJS on the way.
  "^.+\\.c?tsx?$|/node_modules/jose/.+\\.js$": [
    "@swc/jest",
    {
      jsc: {
        parser: { syntax: "typescript", tsx: true, decorators: true },
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
  transformIgnorePatterns: ["/node_modules/(?!jose/)"],
  setupFilesAfterEnv: ["<rootDir>/test/support/setup.ts"],
  // The sources import each other by the names of the built files; recipes import the package.
  moduleNameMapper: {
    "^(\\.{1,2}/.*)\\.js$": "$1",
    "^\\./api\\.cjs$": "<rootDir>/lib/opentelemetry/api.cts",
    "/jose\\.cjs$": "<rootDir>/lib/jose/jose.cts",
    "^express-logout$": "<rootDir>/lib/index.ts",
    "^express-logout/registry$": "<rootDir>/lib/registry/index.ts",
    "^express-logout/registry/testing$": "<rootDir>/lib/registry/testing/index.ts",
    "^express-logout/(redis|postgres|sqlite)$": "<rootDir>/lib/registry/$1/index.ts",
    "^express-logout/opentelemetry$": "<rootDir>/lib/opentelemetry/index.ts",
    "^express-logout/(oidc|authing)$": "<rootDir>/lib/$1/index.ts",
  },
};

/** The suites that meet the most of Express and express-session, and take seconds. */
const SHORT_SUITES = [
  "admin-api",
  "after-logout",
  "adoption",
  "controls",
  "expiry",
  "express-major",
  "logout-route",
  "mounting",
  "passport",
  "refusal",
  "rotation",
  "saves",
  "start-login",
  "touches",
];

/** Runs the tests of a folder on other versions; `express-major.test.ts` checks that each mapping applies. */
const express = (displayName, { folder = "integration", suites = ["**/*"], ...versions } = {}) => {
  const packages = { express: "express", "express-session": "express-session", ...versions };
  const aliases = Object.entries(packages).filter(([name, alias]) => name !== alias);
  return {
    ...common,
    displayName,
    testMatch: suites.map((suite) => `<rootDir>/test/${folder}/${suite}.test.ts`),
    moduleNameMapper: {
      ...common.moduleNameMapper,
      ...Object.fromEntries(aliases.map(([name, alias]) => [`^${name}(/.*)?$`, `${alias}$1`])),
    },
    globals: { EXPRESS_MAJOR: packages.express === "express" ? "5" : "4", PACKAGES: packages },
  };
};

export default {
  // Many tests wait for servers: both cores of a small machine are put to use.
  maxWorkers: 2,
  // `npm run coverage`. Files that hold types alone have nothing to cover.
  coverageProvider: "v8",
  coverageReporters: ["text-summary", "html"],
  collectCoverageFrom: ["lib/**/*.{ts,tsx}", "!lib/types/**", "!lib/pages/browser/**"],
  projects: [
    {
      ...common,
      displayName: "unit",
      testMatch: ["<rootDir>/test/{unit,registry,example,proof,cli}/**/*.test.ts"],
    },
    {
      ...common,
      displayName: "browser",
      testMatch: ["<rootDir>/test/browser/**/*.test.ts"],
    },
    express("express 5"),
    express("express 4", { express: "express4" }),
    // The oldest versions that the peer ranges allow.
    express("oldest peers", { express: "express416", "express-session": "express-session116", suites: SHORT_SUITES }),
    // In test/field/servers is what brings its own Express or runs in a process of its own: once is enough.
    express("field 5", { folder: "field" }),
    express("field 4", { folder: "field", suites: ["*"], express: "express4" }),
  ],
};
