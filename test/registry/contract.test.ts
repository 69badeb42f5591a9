import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { KeyIndex, LoginRegistry } from "../../lib/registry/index.js";
import { testRegistry } from "../../lib/registry/testing/index.js";
import { Heard } from "../support/heard.js";
import { newKick, newLogin, next } from "../support/registry-calls.js";
import { REGISTRIES, stopRegistryServers } from "../support/registries.js";
import { tried } from "../support/tried.js";

/** Servers that form a cluster need time to start on a busy machine. */
const START_MS = 60_000;

const CALLS: Readonly<Record<string, (registry: LoginRegistry) => Promise<unknown>>> = {
  find: (registry) => registry.find("alice", "login"),
  add: (registry) => registry.add(newLogin()),
  "add since": (registry) => registry.add(newLogin(), { since: { generation: "", endCount: 0 } }),
  update: (registry) => registry.update("alice", "login", { ttlMs: 1_000 }),
  "end one": (registry) => registry.end("alice", { loginId: "login" }),
  "end all": (registry) => registry.end("alice", { kick: newKick() }),
  finishKick: (registry) => registry.finishKick("alice", ["login"]),
  kickEveryone: (registry) => registry.kickEveryone(newKick()),
  kickOf: (registry) => registry.kickOf("alice", "login", ""),
  list: (registry) => registry.list("alice", { offset: 0, limit: 1 }),
  activeUsers: (registry) => registry.activeUsers({ offset: 0, limit: 1 }),
  scanUsers: (registry) => registry.scanUsers()[Symbol.asyncIterator]().next(),
  clear: (registry) => registry.clear(),
  "bind of a key": (registry) => keysOf(registry).bind("key", { userId: "alice", loginId: "login" }, 1_000),
  "mark of a key": (registry) => keysOf(registry).mark("key", newKick(), 1),
  "rows of a key": (registry) => keysOf(registry).rows("key")[Symbol.asyncIterator]().next(),
  "drop of a key": (registry) => keysOf(registry).drop("key", [{ userId: "alice", loginId: "login" }]),
};

function keysOf({ keys }: LoginRegistry): KeyIndex {
  if (keys === undefined) throw new Error("no external keys");
  return keys;
}

afterAll(stopRegistryServers);

describe.each(REGISTRIES)("the contract of registries", (kind) => {
  beforeAll(() => kind.start(), START_MS);
  afterAll(() => kind.stop());
  afterAll(() => {
    tried({ ...kind.row, what: ["contract of registries"] });
  });

  const { name, outage } = kind;
  describe("a registry without an application", () => {
    it.each(Object.entries(CALLS))("rejects %s, and throws nothing at once", async (_method, call) => {
      const registry = kind.create(next("unused"));
      await expect(call(registry)).rejects.toMatchObject({ code: "ERR_REGISTRY_REQUIRED" });
    });

    it("throws at a subscription, which has no promise, and can be closed", async () => {
      const registry = kind.create(next("unused"));
      expect(() => registry.subscribe(new Heard(), { checkIntervalMs: 1_000 })).toThrow(
        expect.objectContaining({ code: "ERR_REGISTRY_REQUIRED" }),
      );
      await registry.close();
    });
  });

  testRegistry(name, { create: (space) => kind.create(space), outage }, { describe, it });
});
