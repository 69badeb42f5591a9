import { eventually, matches, same } from "./assertions.js";
import { ALL, FIRST_TIME, HOUR_MS, idsOf, MINUTE_MS, newLogin } from "./context.js";
import type { Suite } from "./suite.js";

export function listTests({ describe, test }: Suite): void {
  describe("a user's list", () => {
    test("is paged, newest first, with the total number", async ({ registry, begin }) => {
      for (const hours of [3, 5, 1, 4, 2]) {
        await begin(newLogin("alice", { began: new Date(Date.now() - hours * HOUR_MS), sid: String(hours) }));
      }
      await begin(newLogin("bob"));
      const page = async (offset: number, limit: number): Promise<unknown[]> => {
        const { items, total } = await registry.list("alice", { offset, limit });
        return [total, ...items.flatMap(({ sids }) => sids)];
      };
      same(await page(0, 2), [5, "1", "2"]);
      same(await page(2, 2), [5, "3", "4"]);
      same(await page(4, 2), [5, "5"]);
      same(await page(6, 2), [5]);
      same(await page(0, 0), [5]);
    });

    test("is empty if the user has no login", async ({ registry }) => {
      same(await registry.list("alice", ALL), { items: [], total: 0 });
    });

    test("returns the same logins as find", async ({ registry, begin }) => {
      const alice = newLogin("alice", { ip: "203.0.113.9", userAgent: "phone" });
      await begin(alice);
      same((await registry.list("alice", ALL)).items, [await registry.find("alice", alice.id)]);
    });
  });

  describe("what lists show", () => {
    test("follows a session whose lifetime becomes shorter, unlike find", async (context) => {
      const { registry, begin, idsOf, online, everyone } = context;
      const alice = newLogin("alice");
      await begin(alice);
      same(await registry.update("alice", alice.id, { ttlMs: 1 }), true);
      await eventually(() => idsOf("alice"), []);
      await eventually(online, [0]);
      matches(await registry.find("alice", alice.id), { id: alice.id, sids: [alice.sid] });
      same(await everyone(), ["alice"]);
    });

    test("ends, and returns once the session lives longer again", async ({ registry, begin, idsOf, online }) => {
      const alice = newLogin("alice");
      await begin(alice);
      const ends = async (): Promise<number[]> => {
        const found = await registry.find("alice", alice.id);
        return [Number(found?.shownUntil) - Number(found?.lastActive), Number(found?.expires) - Number(found?.began)];
      };
      same(await ends(), [HOUR_MS, HOUR_MS]);
      await registry.update("alice", alice.id, { ttlMs: MINUTE_MS });
      same(await ends(), [MINUTE_MS, HOUR_MS]);
      same(await idsOf("alice"), [alice.id]);
      await registry.update("alice", alice.id, { ttlMs: 1 });
      await eventually(online, [0]);
      await registry.update("alice", alice.id, { ttlMs: 2 * HOUR_MS });
      same((await ends())[0], 2 * HOUR_MS);
      same(await idsOf("alice"), [alice.id]);
      same(await online(), [1, "alice"]);
    });

    test("returns with the adoption of a listed login", async ({ registry, adopt, idsOf, online }) => {
      const alice = newLogin("alice");
      await adopt(alice);
      await registry.update("alice", alice.id, { ttlMs: 1 });
      await eventually(online, [0]);
      await registry.add({ ...alice, ttlMs: MINUTE_MS }, { since: FIRST_TIME });
      same(await idsOf("alice"), [alice.id]);
      same(await online(), [1, "alice"]);
    });

    test("does not limit a kick", async ({ registry, begin, online, kick }) => {
      const alice = newLogin("alice");
      await begin(alice);
      await registry.update("alice", alice.id, { ttlMs: 1 });
      await eventually(online, [0]);
      same(idsOf(await kick("alice")), [alice.id]);
      same(await registry.find("alice", alice.id), undefined);
    });

    test("is the longest-lived login of a user with several", async (context) => {
      const { registry, begin, idsOf, online, endLogin, everyone } = context;
      const [short, long] = [newLogin("alice"), newLogin("alice")];
      await begin(short);
      await begin(long);
      await registry.update("alice", short.id, { ttlMs: 1 });
      await eventually(() => idsOf("alice"), [long.id]);
      same(await online(), [1, "alice"]);
      await endLogin(long);
      same(await online(), [0]);
      same(await everyone(), ["alice"]);
    });
  });
}
