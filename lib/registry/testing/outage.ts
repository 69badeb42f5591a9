import type { LoginRegistry } from "../../types/registry.js";
import { eventually, matches, rejects, same } from "./assertions.js";
import { ALL, FIRST_TIME, HOUR_MS, newKick, newLogin, until } from "./context.js";
import type { Suite } from "./suite.js";

/** Makes the data of all registries unreachable, and reachable again. */
export interface Outage {
  readonly begin: () => Promise<void>;
  readonly end: () => Promise<void>;
}

const LISTED = newLogin("alice");
const CALLS: Readonly<Record<string, (registry: LoginRegistry) => Promise<unknown>>> = {
  find: (registry) => registry.find("alice", LISTED.id),
  "add of a new login": (registry) => registry.add(newLogin("alice")),
  "add of an earlier login": (registry) => registry.add(newLogin("alice"), { since: FIRST_TIME }),
  update: (registry) => registry.update("alice", LISTED.id, { addSid: "late", ttlMs: HOUR_MS }),
  "end of one login": (registry) => registry.end("alice", { loginId: LISTED.id }),
  "end of all logins": (registry) => registry.end("alice", { kick: newKick() }),
  finishKick: (registry) => registry.finishKick("alice", [LISTED.id]),
  kickEveryone: (registry) => registry.kickEveryone(newKick()),
  kickOf: (registry) => registry.kickOf("alice", LISTED.id, ""),
  list: (registry) => registry.list("alice", ALL),
  activeUsers: (registry) => registry.activeUsers(ALL),
  scanUsers: async (registry) => {
    const found: string[] = [];
    for await (const userIds of registry.scanUsers()) found.push(...userIds);
    return found;
  },
};

export function outageTests({ describe, test }: Suite, outage: Outage): void {
  const during = async (act: () => Promise<void>): Promise<void> => {
    await outage.begin();
    try {
      await act();
    } finally {
      await outage.end();
    }
  };

  describe("while the data is unreachable", () => {
    for (const [name, call] of Object.entries(CALLS)) {
      test(`${name} rejects, and does not take effect later`, async ({ registry, begin }) => {
        await begin(LISTED);
        const before = await registry.list("alice", ALL);
        await during(() => rejects(() => call(registry), "ERR_REGISTRY_UNAVAILABLE"));
        // The data may become reachable a little later.
        await eventually(() => registry.list("alice", ALL).catch(() => undefined), before);
        // A command that was sent late would run before this one.
        same(await registry.update("alice", LISTED.id, {}), true);
        same(await registry.list("alice", ALL), before);
      });
    }

    test("a subscription reports it, and a gap once notifications arrive again", async (context) => {
      const { recorder } = await context.listen();
      const { gaps } = recorder;
      await during(() => until(() => !recorder.isConnected, "disconnected() is not called"));
      await until(() => recorder.isConnected && recorder.gaps > gaps, "connected() and gap() are not called");
      const alice = newLogin("alice");
      await context.begin(alice);
      matches(await context.endLogin(alice), { login: { id: alice.id } });
      await eventually(() => recorder.loginIds, [alice.id]);
    });
  });
}
