// Runs the contract suite on a registry that is not of this package, with node:test. With BROKEN, on a broken one.
import { describe, it } from "node:test";
import { testRegistry } from "express-logout/registry/testing";
import { BROKEN } from "./broken-registries.mjs";
import { MapRegistry, network } from "./map-registry.mjs";

const Registry = BROKEN[process.env.BROKEN] ?? MapRegistry;
const outage = {
  begin: async () => {
    network.isDown = true;
  },
  end: async () => {
    network.isDown = false;
  },
};
testRegistry("a registry on Maps", { create: () => new Registry(), outage }, { describe, it });
