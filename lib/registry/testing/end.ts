import { matches, same } from "./assertions.js";
import { newKick, newLogin } from "./context.js";
import type { Suite } from "./suite.js";

export function endTests({ describe, test }: Suite): void {
  describe("the end of one login", () => {
    test("ends it once, and leaves the others", async ({ begin, endLogin, idsOf }) => {
      const [one, two] = [newLogin("alice"), newLogin("alice")];
      await begin(one);
      await begin(two);
      matches((await endLogin(one)).login, { id: one.id, sids: [one.sid] });
      same((await endLogin(one)).login, undefined);
      same(await idsOf("alice"), [two.id]);
    });

    for (const cause of ["kick", "limit", "lifetime"] as const) {
      test(`has its kick record, with the cause "${cause}"`, async ({ registry, begin, endLogin }) => {
        const alice = newLogin("alice");
        const generation = await begin(alice);
        const kick = newKick({ reason: 'a stolen phone: "{}" \ud83d\ude00', cause });
        await endLogin(alice, { kick });
        same(await registry.kickOf("alice", alice.id, generation), kick);
      });
    }

    test("keeps its kick record when the login is ended again", async ({ registry, begin, endLogin }) => {
      const alice = newLogin("alice");
      const generation = await begin(alice);
      const kick = newKick({ reason: "lost" });
      await endLogin(alice, { kick });
      for (let endCount = 2; endCount <= 10; endCount += 1) {
        same(await endLogin(alice), { login: undefined, endCount });
      }
      same(await registry.kickOf("alice", alice.id, generation), kick);
    });

    test("has no kick record if the login was logged out", async ({ registry, begin, endLogin }) => {
      const alice = newLogin("alice");
      const generation = await begin(alice);
      await endLogin(alice);
      same(await registry.kickOf("alice", alice.id, generation), undefined);
    });

    test("by a kick returns the login until the kick is finished", async ({ registry, begin, endLogin }) => {
      const alice = newLogin("alice");
      await begin(alice);
      for (let times = 0; times < 2; times += 1) {
        matches((await endLogin(alice, { kick: newKick() })).login, { id: alice.id, sids: [alice.sid] });
        same(await registry.find("alice", alice.id), undefined);
      }
      await registry.finishKick("alice", [alice.id]);
      same((await endLogin(alice, { kick: newKick() })).login, undefined);
    });

    test("by a logout is not returned by a later kick", async ({ adopt, endLogin, kick }) => {
      const alice = newLogin("alice");
      await adopt(alice);
      await endLogin(alice, { remember: true });
      same(await kick("alice"), []);
    });
  });
}
