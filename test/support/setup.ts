import { jest } from "@jest/globals";

// Servers are started and stopped in many tests, and the machine may be busy. Jest ignores `testTimeout` in projects.
jest.setTimeout(30_000);
