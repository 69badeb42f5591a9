import { matches, same } from "./assertions.js";
import { FIRST_TIME, HOUR_MS, newKick, newLogin, type RegistryContext } from "./context.js";
import type { Suite } from "./suite.js";

/** How many calls run at the same time. */
const AT_ONCE = 20;

/** Runs a call on two registries in turn, as two processes would, all at the same time. */
async function atOnce<Result>(
  context: RegistryContext,
  call: (registry: RegistryContext["registry"], index: number) => Promise<Result>,
): Promise<Result[]> {
  const registries = [context.registry, await context.another()];
  const calls = Array.from({ length: AT_ONCE }, (_value, index) => registries[index % 2] ?? context.registry);
  return Promise.all(calls.map((registry, index) => call(registry, index)));
}

export function concurrencyTests({ describe, test }: Suite): void {
  describe("two processes", () => {
    test("have the same logins and kicks", async ({ registry, another, begin }) => {
      const other = await another();
      const alice = newLogin("alice");
      const generation = await begin(alice);
      matches(await other.find("alice", alice.id), { id: alice.id, sids: [alice.sid] });
      const kick = newKick({ reason: "elsewhere" });
      matches(await other.end("alice", { kick }), { ended: [{ id: alice.id }] });
      same(await registry.find("alice", alice.id), undefined);
      same(await registry.kickOf("alice", alice.id, generation), kick);
      same(await registry.add(alice, { since: { ...FIRST_TIME, generation } }), { outcome: "ended" });
    });

    test("that end one login at the same time: one call gets it", async (context) => {
      const alice = newLogin("alice");
      await context.begin(alice);
      const results = await atOnce(context, (registry) => registry.end("alice", { loginId: alice.id, remember: true }));
      same(
        results.flatMap(({ ended }) => ended.map(({ id }) => id)),
        [alice.id],
      );
      const counts = results.map(({ endCount }) => endCount).sort((a, b) => a - b);
      same(
        counts,
        Array.from({ length: AT_ONCE }, (_value, index) => index + 1),
      );
    });

    test("that rotate session ids at the same time lose none", async (context) => {
      const alice = newLogin("alice");
      await context.begin(alice);
      await atOnce(context, (registry, index) =>
        registry.update("alice", alice.id, { addSid: `new ${String(index)}` }),
      );
      const sids = (await context.registry.find("alice", alice.id))?.sids ?? [];
      const expected = [alice.sid, ...Array.from({ length: AT_ONCE }, (_value, index) => `new ${String(index)}`)];
      same([...sids].sort(), expected.sort());
    });

    test("bring no login back that another one kicks", async (context) => {
      const alice = newLogin("alice");
      await context.begin(alice);
      await atOnce(context, async (registry, index) => {
        if (index === AT_ONCE / 2) await registry.end("alice", { kick: newKick() });
        else await registry.update("alice", alice.id, { addSid: `new ${String(index)}`, ttlMs: HOUR_MS });
      });
      same(await context.registry.find("alice", alice.id), undefined);
      same(await context.idsOf("alice"), []);
    });

    test("adopt no login past a kick of its user", async (context) => {
      await atOnce(context, async (registry, index) => {
        if (index === AT_ONCE / 2) await registry.end("alice", { kick: newKick() });
        else await registry.add(newLogin("alice"), { since: FIRST_TIME });
      });
      same(await context.idsOf("alice"), []);
    });

    test("adopt no login past a kick of everyone", async (context) => {
      await atOnce(context, async (registry, index) => {
        if (index !== AT_ONCE / 2) {
          await registry.add(newLogin(`user ${String(index)}`), { since: FIRST_TIME });
          return;
        }
        const kick = newKick();
        await registry.kickEveryone(kick);
        for await (const userIds of registry.scanUsers()) {
          for (const userId of userIds) await registry.end(userId, { kick });
        }
      });
      same(await context.online(), [0]);
    });

    test("end no login that a kick of everyone spares, and adopt no other", async (context) => {
      const here = newLogin("admin");
      const since = { ...FIRST_TIME, generation: await context.begin(here) };
      await atOnce(context, async (registry, index) => {
        if (index !== AT_ONCE / 2) {
          await registry.add(index % 4 < 2 ? here : newLogin(`user ${String(index)}`), { since });
          return;
        }
        const kick = newKick();
        await registry.kickEveryone(kick);
        for await (const userIds of registry.scanUsers()) {
          for (const userId of userIds) await registry.end(userId, { kick, except: [here.id], everyone: true });
        }
      });
      same(await context.online(), [1, "admin"]);
      same(await context.idsOf("admin"), [here.id]);
    });
  });
}
