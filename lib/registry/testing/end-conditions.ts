import { isTrue, matches, same } from "./assertions.js";
import { FIRST_TIME, HOUR_MS, newKick, newLogin } from "./context.js";
import type { Suite } from "./suite.js";

/** The result of an end whose condition is not met. */
const NOTHING = { login: undefined, endCount: 0 };

export function endConditionTests({ describe, test }: Suite): void {
  describe("the end of one login, with a condition,", () => {
    test("remembers nothing of an id that is not listed", async ({ registry, endLogin, everyone }) => {
      const alice = newLogin("alice");
      same(await endLogin(alice, { kick: newKick(), ifListed: true }), NOTHING);
      same(await endLogin(alice, { remember: true, ifSid: alice.sid }), NOTHING);
      same(await endLogin(alice, { remember: true, ifLastSid: alice.sid }), NOTHING);
      same(await registry.kickOf("alice", alice.id, ""), undefined);
      same(await everyone(), []);
      matches(await registry.add(alice, { since: FIRST_TIME }), { outcome: "listed" });
    });

    test("equals an unconditional end if the login is listed", async (context) => {
      const { registry, begin, adopt, endLogin, idsOf, online } = context;
      const [one, two, three] = [newLogin("alice"), newLogin("alice"), newLogin("alice")];
      const generation = await begin(one);
      for (const each of [two, three]) await begin(each);
      const kick = newKick({ reason: "lost" });
      const first = { login: { id: one.id, sids: [one.sid] }, endCount: 1 };
      matches(await endLogin(one, { kick, ifListed: true }), first);
      same(await registry.kickOf("alice", one.id, generation), kick);
      matches((await endLogin(two, { remember: true, ifSid: two.sid })).login, { id: two.id });
      same(await adopt(two, { generation, endCount: 0 }), undefined);
      matches((await endLogin(three, { ifLastSid: three.sid })).login, { id: three.id });
      same(await idsOf("alice"), []);
      same(await online(), [0]);
    });

    test("ifListed: finds the login of an unfinished kick", async ({ registry, begin, endLogin }) => {
      const alice = newLogin("alice");
      await begin(alice);
      const again = async (): Promise<unknown> =>
        (await endLogin(alice, { kick: newKick(), ifListed: true })).login?.sids;
      same([await again(), await again()], [[alice.sid], [alice.sid]]);
      await registry.finishKick("alice", [alice.id]);
      same(await again(), undefined);
    });

    for (const condition of ["ifSid", "ifLastSid"] as const) {
      test(`${condition}: does not end a login with another session id`, async (context) => {
        const { registry, begin, endLogin, online } = context;
        const alice = newLogin("alice");
        const generation = await begin(alice);
        const before = await registry.find("alice", alice.id);
        for (const sid of ["another", "", `${alice.sid} `, alice.id]) {
          same(await endLogin(alice, { kick: newKick(), remember: true, [condition]: sid }), NOTHING);
        }
        same(await registry.find("alice", alice.id), before);
        same(await registry.kickOf("alice", alice.id, generation), undefined);
        same(await online(), [1, "alice"]);
        matches(await endLogin(alice), { login: { id: alice.id }, endCount: 0 });
      });
    }

    test("ifSid: accepts any of its session ids", async ({ registry, begin, endLogin, idsOf }) => {
      const alice = newLogin("alice");
      await begin(alice);
      await registry.update("alice", alice.id, { addSid: "second" });
      matches((await endLogin(alice, { ifSid: "second" })).login, { id: alice.id, sids: [alice.sid, "second"] });
      same(await idsOf("alice"), []);
    });

    test("ifLastSid: removes one of two session ids, then ends the login", async (context) => {
      const { registry, begin, adopt, endLogin, idsOf, online } = context;
      const alice = newLogin("alice");
      const generation = await begin(alice);
      await registry.update("alice", alice.id, { addSid: "second" });
      const before = await registry.find("alice", alice.id);
      same(await endLogin(alice, { ifLastSid: alice.sid }), NOTHING);
      same(await registry.find("alice", alice.id), { ...before, sids: ["second"] });
      same(await online(), [1, "alice"]);
      same(await endLogin(alice, { ifLastSid: alice.sid }), NOTHING);
      matches(await endLogin(alice, { ifLastSid: "second" }), { login: { id: alice.id }, endCount: 0 });
      same(await idsOf("alice"), []);
      isTrue((await adopt(alice, { generation, endCount: 0 })) !== undefined, "the end is remembered");
    });

    test("ifLastSid: leaves a login between two session ids to the request that rotates it", async (context) => {
      const { registry, begin, endLogin } = context;
      const alice = newLogin("alice");
      await begin(alice);
      await registry.update("alice", alice.id, { removeSid: alice.sid });
      same(await endLogin(alice, { ifLastSid: alice.sid }), NOTHING);
      same(await registry.update("alice", alice.id, { addSid: "new", ttlMs: HOUR_MS }), true);
    });
  });
}
