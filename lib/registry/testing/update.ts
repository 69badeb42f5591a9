import { eventually, isTrue, matches, same } from "./assertions.js";
import { ALL, HOUR_MS, newLogin } from "./context.js";
import type { Suite } from "./suite.js";

export function updateTests({ describe, test }: Suite): void {
  describe("an update", () => {
    test("adds and removes session ids of a listed login", async ({ registry, begin }) => {
      const alice = newLogin("alice");
      await begin(alice);
      same(await registry.update("alice", alice.id, { removeSid: alice.sid }), true);
      matches(await registry.find("alice", alice.id), { sids: [] });
      same(await registry.update("alice", alice.id, { addSid: "new" }), true);
      same(await registry.update("alice", alice.id, { addSid: "new" }), true);
      same(await registry.update("alice", alice.id, { addSid: "newer" }), true);
      matches(await registry.find("alice", alice.id), { sids: ["new", "newer"] });
    });

    test("never lists a login", async ({ registry, online }) => {
      same(await registry.update("alice", "unknown", { addSid: "sid", ttlMs: HOUR_MS }), false);
      same(await registry.find("alice", "unknown"), undefined);
      same(await online(), [0]);
    });

    test("of an ended login is refused", async ({ registry, begin, kick }) => {
      const alice = newLogin("alice");
      await begin(alice);
      await kick("alice");
      same(await registry.update("alice", alice.id, { addSid: "new", ttlMs: HOUR_MS }), false);
      same(await registry.find("alice", alice.id), undefined);
    });

    test("of an expired login is refused", async ({ registry, begin, idsOf }) => {
      const alice = newLogin("alice", { ttlMs: 1 });
      await begin(alice);
      await eventually(() => registry.update("alice", alice.id, {}), false);
      same(await registry.update("alice", alice.id, { addSid: "new", ttlMs: HOUR_MS }), false);
      same(await idsOf("alice"), []);
    });

    test("only extends the expiry of a login", async ({ registry, begin }) => {
      const alice = newLogin("alice");
      await begin(alice);
      await registry.update("alice", alice.id, { ttlMs: 1 });
      const shortened = await registry.find("alice", alice.id);
      await registry.update("alice", alice.id, { ttlMs: 2 * HOUR_MS });
      const lengthened = await registry.find("alice", alice.id);
      isTrue(Number(shortened?.expires) - Date.now() > HOUR_MS / 2, "the expiry became earlier");
      isTrue(Number(lengthened?.expires) - Number(shortened?.expires) > HOUR_MS / 2, "the expiry was not extended");
    });

    test("sets the device of a login without one, and never changes it afterwards", async ({ registry, begin }) => {
      const unknown = newLogin("alice");
      const known = newLogin("alice", { ip: "203.0.113.9" });
      const named = newLogin("alice", { userAgent: "desk" });
      const device = { ip: "198.51.100.7", userAgent: "phone" };
      for (const each of [unknown, known, named]) {
        await begin(each);
        await registry.update("alice", each.id, { ttlMs: HOUR_MS, ...device });
      }
      matches(await registry.find("alice", unknown.id), device);
      matches(await registry.find("alice", known.id), { ip: "203.0.113.9", userAgent: undefined });
      matches(await registry.find("alice", named.id), { ip: undefined, userAgent: "desk" });
    });

    test("moves the last activity only if it has a ttlMs", async ({ registry, begin, adopt }) => {
      const alice = newLogin("alice");
      await begin(alice);
      const lastActive = async (): Promise<number> => Number((await registry.find("alice", alice.id))?.lastActive);
      const first = await lastActive();
      for (let times = 0; times < 10; times += 1) await registry.update("alice", alice.id, { addSid: "another" });
      same(await lastActive(), first);
      const isLater = async (act: () => Promise<unknown>): Promise<void> => {
        const before = await lastActive();
        await eventually(async () => {
          await act();
          return (await lastActive()) > before;
        }, true);
      };
      await isLater(() => registry.update("alice", alice.id, { ttlMs: HOUR_MS }));
      await isLater(() => adopt(alice));
    });

    test("that removes the only session id hides the login until it has another", async (context) => {
      const { registry, begin, online, everyone, idsOf } = context;
      const alice = newLogin("alice");
      await begin(alice);
      await registry.update("alice", alice.id, { removeSid: alice.sid });
      same(await registry.list("alice", ALL), { items: [], total: 0 });
      same(await online(), [0]);
      same(await everyone(), ["alice"]);
      same(await registry.update("alice", alice.id, { addSid: "new", ttlMs: HOUR_MS }), true);
      same(await idsOf("alice"), [alice.id]);
      same(await online(), [1, "alice"]);
    });

    test("that changes the session id leaves the user's other logins shown", async ({ registry, begin, online }) => {
      const [phone, desk] = [newLogin("alice"), newLogin("alice")];
      await begin(phone);
      await begin(desk);
      await registry.update("alice", phone.id, { removeSid: phone.sid });
      matches(await registry.list("alice", ALL), { items: [{ id: desk.id }], total: 1 });
      same(await online(), [1, "alice"]);
    });
  });
}
