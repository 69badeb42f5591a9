import { same, eventually, isTrue, matches } from "./assertions.js";
import { ALL, HOUR_MS, idsOf, newKick, newLogin, unique } from "./context.js";
import type { Suite } from "./suite.js";

export function addTests({ describe, test }: Suite): void {
  describe("a login that begins", () => {
    test("is found with all its fields", async ({ registry }) => {
      const now = Date.now();
      const alice = newLogin("alice", { ip: "203.0.113.9", userAgent: 'Ünïcode/1.0 {"}' });
      matches(await registry.add(alice), { outcome: "listed", ended: [] });
      const found = await registry.find("alice", alice.id);
      const { id, userId, sid, ip, userAgent } = alice;
      matches(found, { id, userId, sids: [sid], ip, userAgent });
      isTrue(Math.abs(Number(found?.began) - now) < 10_000, "began is not now");
      same(Number(found?.expires) - Number(found?.began), HOUR_MS);
    });

    test("keeps the given start time", async ({ registry, begin }) => {
      const began = new Date(Date.now() - HOUR_MS);
      const alice = newLogin("alice", { began });
      await begin(alice);
      same((await registry.find("alice", alice.id))?.began, began);
    });

    test("is not found under another user", async ({ registry, begin }) => {
      const alice = newLogin("alice");
      await begin(alice);
      same(await registry.find("bob", alice.id), undefined);
      same(await registry.find("alice", "another"), undefined);
    });

    test("is listed with the user's others, the newest first", async ({ registry, begin }) => {
      const old = newLogin("alice", { began: new Date(Date.now() - HOUR_MS) });
      const young = newLogin("alice");
      await begin(young);
      await begin(old);
      same(idsOf((await registry.list("alice", ALL)).items), [young.id, old.id]);
    });

    test("is no longer listed after it expires", async ({ begin, idsOf }) => {
      await begin(newLogin("alice", { ttlMs: 1 }));
      const stays = newLogin("alice");
      await begin(stays);
      await eventually(() => idsOf("alice"), [stays.id]);
    });

    test("is in the generation of earlier kicks", async ({ registry, begin, kick }) => {
      await kick("alice");
      await registry.kickEveryone(newKick());
      const alice = newLogin("alice");
      const generation = await begin(alice);
      same(await registry.kickOf("alice", alice.id, generation), undefined);
      isTrue(generation.length <= 100, "a generation has at most 100 characters");
    });
  });

  describe("a login id", () => {
    for (const [how, end] of [
      ["kicked", { kick: newKick() }],
      ["undone", { remember: "for a day" }],
      ["logged out for good", { remember: true }],
    ] as const) {
      test(`that has been ${how} is not listed again`, async ({ registry, begin, endLogin, online }) => {
        const alice = newLogin("alice");
        await begin(alice);
        await endLogin(alice, end);
        same(await registry.add(alice), { outcome: "ended" });
        same(await registry.find("alice", alice.id), undefined);
        same(await online(), [0]);
        matches(await registry.add({ ...alice, id: unique("login") }), { outcome: "listed" });
      });
    }

    test("that was ended before it was listed is not listed", async ({ registry, endLogin, idsOf }) => {
      const alice = newLogin("alice");
      await endLogin(alice);
      same(await registry.add(alice), { outcome: "ended" });
      same(await idsOf("alice"), []);
    });

    test("of another user is not affected", async ({ begin, endLogin, idsOf }) => {
      const alice = newLogin("alice");
      await endLogin({ userId: "bob", id: alice.id }, { remember: true });
      await begin(alice);
      same(await idsOf("alice"), [alice.id]);
    });
  });
}
