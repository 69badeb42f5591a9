import { same } from "./assertions.js";
import { idsOf, newKick, newLogin } from "./context.js";
import type { Suite } from "./suite.js";

export function kickTests({ describe, test }: Suite): void {
  describe("a kick", () => {
    test("ends all logins of the user and of no other user", async ({ begin, kick, idsOf: listed }) => {
      const [one, two, bob] = [newLogin("alice"), newLogin("alice"), newLogin("bob")];
      for (const each of [one, two, bob]) await begin(each);
      same(idsOf(await kick("alice")).sort(), [one.id, two.id].sort());
      same(await listed("alice"), []);
      same(await listed("bob"), [bob.id]);
    });

    test("of many concurrent users returns to each their own logins", async ({ registry, kick }) => {
      const users = Array.from({ length: 60 }, (_each, number) => `user ${String(number)}`);
      const logins = users.map((userId) => newLogin(userId, { ip: userId }));
      await Promise.all(logins.map((each) => registry.add(each)));
      const kicked = await Promise.all(users.map((userId) => kick(userId)));
      const found = kicked.map((ended) => ended.map(({ id, userId, sids, ip }) => ({ id, userId, sids, ip })));
      const expected = logins.map(({ id, userId, sid, ip }) => [{ id, userId, sids: [sid], ip }]);
      same(found, expected);
      await Promise.all(logins.map(({ userId, id }) => registry.finishKick(userId, [id])));
      same((await Promise.all(users.map((userId) => kick(userId)))).flat(), []);
    });

    test("keeps the ended logins until it is finished", async ({ registry, begin, kick }) => {
      const [one, two] = [newLogin("alice"), newLogin("alice")];
      await begin(one);
      await kick("alice");
      await begin(two);
      same(idsOf(await kick("alice")).sort(), [one.id, two.id].sort());
      await registry.finishKick("alice", [one.id]);
      same(idsOf(await kick("alice")), [two.id]);
      await registry.finishKick("alice", [two.id]);
      same(await kick("alice"), []);
    });

    for (const count of [1_000, 10_000]) {
      test(`of ${String(count)} logins is finished in one call`, async ({ registry, begin, kick }) => {
        const alice = newLogin("alice");
        await begin(alice);
        await kick("alice");
        const others = Array.from({ length: count - 1 }, (_value, index) => `other ${String(index)}`);
        await registry.finishKick("alice", [...others, alice.id]);
        same(await kick("alice"), []);
      });
    }

    test("is the reason for logins that began before it, not for later ones", async ({ registry, begin, kick }) => {
      const before = newLogin("alice");
      const generationBefore = await begin(before);
      const record = newKick({ reason: "maintenance" });
      await kick("alice", { kick: record });
      const after = newLogin("alice");
      const generationAfter = await begin(after);
      same(await registry.kickOf("alice", before.id, generationBefore), record);
      same(await registry.kickOf("alice", after.id, generationAfter), undefined);
      same(await registry.kickOf("alice", "older than the installation", ""), record);
    });

    test("of a user without logins is recorded too", async ({ registry, kick }) => {
      const record = newKick();
      same(await kick("alice", { kick: record }), []);
      same(await registry.kickOf("alice", "older than the installation", ""), record);
    });

    test("of everyone is the reason for logins that began before it, not for later ones", async (context) => {
      const { registry, begin } = context;
      const before = await begin(newLogin("alice"));
      const record = newKick({ reason: "an incident" });
      await registry.kickEveryone(record);
      const after = await begin(newLogin("alice"));
      same(await registry.kickOf("alice", "any", before), record);
      same(await registry.kickOf("alice", "any", after), undefined);
    });
  });

  describe("clear()", () => {
    test("leaves no unfinished kick", async ({ registry, begin, kick }) => {
      await begin(newLogin("alice"));
      same((await kick("alice")).length, 1);
      await begin(newLogin("alice"));
      await registry.clear();
      same(await kick("alice"), []);
    });

    test("removes every login", async ({ registry, begin, idsOf: listed, online }) => {
      await begin(newLogin("alice"));
      await begin(newLogin("bob"));
      await registry.clear();
      same(await listed("alice"), []);
      same(await online(), [0]);
    });

    test("lets no request in flight resume a login", async ({ registry, begin, adopt, endLogin, idsOf: listed }) => {
      const alice = newLogin("alice");
      const generation = await begin(alice);
      const { endCount } = await endLogin(alice);
      await registry.clear();
      same(await adopt(alice, { generation, endCount }), undefined);
      const next = newLogin("alice");
      const since = { generation: await begin(next), endCount: (await endLogin(next)).endCount };
      same(await adopt(next, since), since.generation);
      same(await listed("alice"), [next.id]);
    });
  });
}
