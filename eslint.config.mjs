import jest from "eslint-plugin-jest";
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

export default defineConfig(
  { ignores: ["**/dist/**", "coverage/**", "test/package/**", "lib/**/bundle.ts", "test/fixtures/**"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  {
    files: ["**/*.ts", "**/*.tsx"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      // Stores, registries and events are described by interfaces whose methods are called on the object alone.
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      // What a store or an app calls an error is handed on as it is.
      "@typescript-eslint/prefer-promise-reject-errors": [
        "error",
        { allowThrowingAny: true, allowThrowingUnknown: true },
      ],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "no-console": "error",
    },
  },
  {
    files: ["lib/**"],
    rules: {
      "no-restricted-globals": ["error", { name: "process", message: "A library reads no environment: use options." }],
    },
  },
  {
    files: ["lib/session/{callbacks,store-methods}.ts", "lib/logins/events.ts", "lib/cli/**"],
    rules: { "no-restricted-globals": "off" },
  },
  {
    files: ["example-app/{server,start-oidc,transcript,demo,demo-oidc,demo-authing,place}.ts"],
    rules: { "no-console": "off" },
  },
  {
    files: ["test/**/*.test.ts"],
    extends: [jest.configs["flat/recommended"]],
    rules: {
      // The bodies of answers are whatever came.
      "@typescript-eslint/no-unsafe-assignment": "off",
      "jest/expect-expect": ["error", { assertFunctionNames: ["expect*", "fc.assert"] }],
      "jest/no-disabled-tests": "error",
      "jest/no-focused-tests": "error",
    },
  },
);
