import type { KickRecord } from "../../types/login.js";
import type { LoginRegistry } from "../../types/registry.js";
import { isTrue, matches, pause, same } from "./assertions.js";
import { FIRST_TIME, HOUR_MS, MINUTE_MS, newKick, newLogin } from "./context.js";
import type { Suite } from "./suite.js";

const WAYS_OF_KICKING: readonly [
  whom: string,
  kick: (registry: LoginRegistry, kick: KickRecord) => Promise<unknown>,
][] = [
  ["its user", (registry, kick) => registry.end("alice", { kick })],
  ["everyone", (registry, kick) => registry.kickEveryone(kick)],
];

export function adoptTests(suite: Suite): void {
  listing(suite);
  refusal(suite);
  resumption(suite);
  for (const [whom, kick] of WAYS_OF_KICKING) knownAuthentication(suite, whom, kick);
}

function listing({ describe, test }: Suite): void {
  describe("a login that began earlier", () => {
    test("is listed with all its fields", async ({ registry, adopt }) => {
      const device = { ip: "203.0.113.9", userAgent: "phone", began: new Date(1_700_000_000_000) };
      const alice = newLogin("alice", device);
      await adopt(alice);
      matches(await registry.find("alice", alice.id), device);
    });

    test("is listed if its user was never kicked", async ({ registry, idsOf }) => {
      const alice = newLogin("alice");
      matches(await registry.add(alice, { since: FIRST_TIME }), { outcome: "listed", ended: [] });
      same(await idsOf("alice"), [alice.id]);
    });

    test("is extended if it is already listed", async ({ registry, adopt }) => {
      const alice = newLogin("alice");
      await adopt(alice);
      await adopt({ ...alice, ttlMs: 3 * HOUR_MS });
      await adopt({ ...alice, ttlMs: 1 });
      const found = await registry.find("alice", alice.id);
      isTrue(Number(found?.expires) - Number(found?.began) >= 3 * HOUR_MS, "the expiry was not extended, or shortened");
    });

    test("is listed once by two concurrent first requests", async ({ registry, adopt }) => {
      const alice = newLogin("alice");
      await Promise.all([adopt(alice), adopt(alice)]);
      matches(await registry.find("alice", alice.id), { sids: [alice.sid] });
    });

    test("is refused for a session id that it has left", async ({ registry, adopt }) => {
      const alice = newLogin("alice");
      await adopt(alice);
      await registry.update("alice", alice.id, { addSid: "new", removeSid: alice.sid });
      same(await registry.add(alice, { since: FIRST_TIME }), { outcome: "moved" });
      matches(await registry.find("alice", alice.id), { sids: ["new"] });
    });

    test("is refused while it is between two session ids", async ({ registry, adopt }) => {
      const alice = newLogin("alice");
      await adopt(alice);
      await registry.update("alice", alice.id, { removeSid: alice.sid });
      same(await registry.add(alice, { since: FIRST_TIME }), { outcome: "moved" });
      matches(await registry.find("alice", alice.id), { sids: [] });
    });
  });
}

function refusal({ describe, test }: Suite): void {
  describe("a login that began earlier is refused", () => {
    for (const [whom, kick] of WAYS_OF_KICKING) {
      test(`after a kick of ${whom}`, async ({ registry, everyone }) => {
        const alice = newLogin("alice");
        await kick(registry, newKick());
        same(await registry.add(alice, { since: FIRST_TIME }), { outcome: "ended" });
        same(await registry.find("alice", alice.id), undefined);
        same(await everyone(), []);
      });
    }

    test("once it has been ended with remember", async ({ adopt, endLogin }) => {
      const alice = newLogin("alice");
      await adopt(alice);
      const { endCount } = await endLogin(alice, { remember: true });
      same(await adopt(alice), undefined);
      isTrue((await adopt(alice, { generation: "", endCount })) !== undefined, "the right count is refused");
    });

    test("for a day after the kick of an unlisted login, however long sessions live", async ({ another }) => {
      const registry = await another({ maxSessionAgeMs: 1 });
      const alice = newLogin("alice");
      await registry.end("alice", { loginId: alice.id, kick: newKick() });
      await pause(20);
      same(await registry.add(alice, { since: FIRST_TIME }), { outcome: "ended" });
    });

    test("after every end that its count does not include", async ({ adopt, endLogin }) => {
      const [alice, other] = [newLogin("alice"), newLogin("alice")];
      await adopt(alice);
      const { endCount } = await endLogin(alice, { remember: true });
      await endLogin(other, { remember: true });
      same(await adopt(alice), undefined);
      isTrue((await adopt(alice, { generation: "", endCount })) !== undefined, "the end of another login counts");
      await endLogin(alice, { remember: true });
      same(await adopt(alice, { generation: "", endCount }), undefined);
    });
  });
}

function resumption({ describe, test }: Suite): void {
  describe("a login that is resumed by the request that ended it", () => {
    test("is listed if nothing else has ended it", async ({ registry, begin, endLogin }) => {
      const alice = newLogin("alice");
      const generation = await begin(alice);
      const { endCount } = await endLogin(alice);
      const since = { generation, endCount };
      matches(await registry.add({ ...alice, sid: "new" }, { since }), { outcome: "listed" });
    });

    for (const [whom, kick] of WAYS_OF_KICKING) {
      test(`is refused after a kick of ${whom}`, async ({ registry, begin, adopt, endLogin, idsOf }) => {
        const alice = newLogin("alice");
        const generation = await begin(alice);
        const { endCount } = await endLogin(alice);
        await kick(registry, newKick());
        same(await adopt(alice, { generation, endCount }), undefined);
        same(await idsOf("alice"), []);
      });
    }

    test("is refused after another end", async ({ begin, adopt, endLogin }) => {
      const alice = newLogin("alice");
      const generation = await begin(alice);
      const { endCount } = await endLogin(alice);
      await endLogin(alice);
      same(await adopt(alice, { generation, endCount }), undefined);
    });

    test("is listed in the generation of earlier kicks", async ({ registry, begin, adopt, endLogin, kick }) => {
      await kick("alice");
      await registry.kickEveryone(newKick());
      const alice = newLogin("alice");
      const generation = await begin(alice);
      const { endCount } = await endLogin(alice);
      const again = await adopt(alice, { generation, endCount });
      same(again, generation);
      const record = newKick();
      await kick("alice", { kick: record });
      same(await registry.kickOf("alice", alice.id, generation), record);
    });
  });
}

function knownAuthentication({ describe, test }: Suite, whom: string, kick: (typeof WAYS_OF_KICKING)[0][1]): void {
  const at = new Date(1_700_000_000_000);
  const after = (ms: number): Date => new Date(+at + ms);

  describe(`a login whose authentication is known, after a kick of ${whom}`, () => {
    for (const ms of [MINUTE_MS, HOUR_MS]) {
      test(`${String(ms)} ms before, is listed, in the generation of that kick`, async (context) => {
        const { registry, adopt, endLogin, idsOf } = context;
        await kick(registry, newKick({ at }));
        const alice = newLogin("alice");
        const generation = await adopt(alice, { ...FIRST_TIME, authenticatedAt: after(ms) });
        isTrue(generation !== undefined, "an older kick counts");
        same(await idsOf("alice"), [alice.id]);
        same(await registry.kickOf("alice", alice.id, String(generation)), undefined);
        const { endCount } = await endLogin(alice);
        same(await adopt(alice, { generation: String(generation), endCount }), generation);
      });
    }

    for (const ms of [MINUTE_MS - 1, 59_000, 0, -HOUR_MS, NaN]) {
      test(`${String(ms)} ms before, is refused`, async ({ registry, adopt, online }) => {
        await kick(registry, newKick({ at, reason: '{"at":1}' }));
        const alice = newLogin("alice");
        same(await adopt(alice, { ...FIRST_TIME, authenticatedAt: after(ms) }), undefined);
        same(await registry.find("alice", alice.id), undefined);
        same(await online(), [0]);
      });
    }

    test("is refused after a second kick that is not a minute older", async ({ registry, adopt }) => {
      await kick(registry, newKick({ at }));
      await kick(registry, newKick({ at: after(2 * MINUTE_MS) }));
      same(await adopt(newLogin("alice"), { ...FIRST_TIME, authenticatedAt: after(2 * MINUTE_MS) }), undefined);
    });

    test("is refused if the login itself has been ended", async ({ registry, adopt, endLogin }) => {
      await kick(registry, newKick({ at }));
      const alice = newLogin("alice");
      await endLogin(alice, { remember: true });
      same(await adopt(alice, { ...FIRST_TIME, authenticatedAt: after(HOUR_MS) }), undefined);
    });

    test("is refused if the other kick is not old enough", async ({ registry, adopt }) => {
      for (const [, kickOther] of WAYS_OF_KICKING) await kickOther(registry, newKick({ at: after(HOUR_MS) }));
      await kick(registry, newKick({ at }));
      same(await adopt(newLogin("alice"), { ...FIRST_TIME, authenticatedAt: after(2 * MINUTE_MS) }), undefined);
    });
  });
}
