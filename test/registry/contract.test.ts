import { afterAll, beforeAll, describe, it } from "@jest/globals";
import { testRegistry } from "../../lib/registry/testing/index.js";
import { REGISTRIES, stopRegistryServers } from "../support/registries.js";
import { tried } from "../support/tried.js";

/** Servers that form a cluster need time to start on a busy machine. */
const START_MS = 60_000;

afterAll(stopRegistryServers);

describe.each(REGISTRIES)("the contract of registries", (kind) => {
  beforeAll(() => kind.start(), START_MS);
  afterAll(() => kind.stop());
  afterAll(() => {
    tried({ ...kind.row, what: ["contract of registries"] });
  });

  const { name, outage } = kind;
  testRegistry(name, { create: (space) => kind.create(space), outage }, { describe, it });
});
