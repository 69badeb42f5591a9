/** The arguments with which Node runs some suites of a project in Jest. */
export const jest = (project, paths, ...more) => {
  const args = ["--selectProjects", project, "--testPathPatterns", paths, "--silent", ...more];
  return ["node_modules/jest/bin/jest.js", ...args];
};

/** The suites of SQLite. `EXPRESS_LOGOUT_TEST_SQLITE` names the library on which they run. */
export const SQLITE_SUITES = [
  jest("unit", "registry/contract", "-t", "SqliteLoginRegistry"),
  jest("unit", "registry/sqlite"),
];
