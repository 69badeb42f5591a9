import assert from "node:assert/strict";
import { LogoutError } from "../../errors.js";
import { same, isTrue } from "./assertions.js";
import { FIRST_TIME, HOUR_MS, newKick, newLogin, newSpace } from "./context.js";
import type { Suite } from "./suite.js";

const ODD_USERS = [
  "",
  "0",
  "{",
  "}",
  "{a}:b",
  "a:b",
  "%7B",
  "%uD800",
  "__proto__",
  "constructor",
  "名前",
  "😀",
  "\ud800",
];
const MORE_ODD_USERS = ["\udc00x", "a b\n", "x".repeat(300)];
const NEIGHBOURS = ["a", "b", "\ud801", "%7b", "😁", "__proto", "x".repeat(299)];
const ODD_LOGINS = ["", "*", "*spared", "=", "1 2 x", "{", "x".repeat(300)];

export function applicationTests({ describe, test }: Suite): void {
  describe("odd ids", () => {
    for (const userId of [...ODD_USERS, ...MORE_ODD_USERS]) {
      test(`of a user, ${JSON.stringify(userId)}, collide with no other`, async (context) => {
        const { registry, begin, kick, idsOf } = context;
        const neighbours = NEIGHBOURS.map((id) => newLogin(id));
        for (const each of [newLogin(userId), ...neighbours]) await begin(each);
        const { items } = await registry.activeUsers({ offset: 0, limit: 20 });
        isTrue(
          items.some((user) => user.userId === userId),
          "the user is not listed",
        );
        await kick(userId);
        same(await idsOf(userId), []);
        for (const each of neighbours) same(await idsOf(each.userId), [each.id]);
      });
    }

    for (const id of ODD_LOGINS) {
      test(`of a login, ${JSON.stringify(id)}, collide with nothing else`, async (context) => {
        const { registry, begin, adopt, endLogin, kick, idsOf } = context;
        const [odd, other] = [newLogin("alice", { id }), newLogin("alice")];
        const generation = await begin(odd);
        await begin(other);
        const [first, second] = [newKick(), newKick()];
        await kick("alice", { kick: first, except: [id] });
        same(await idsOf("alice"), [id]);
        await endLogin(odd, { kick: second });
        same(await registry.kickOf("alice", id, generation), second);
        same(await registry.kickOf("alice", other.id, generation), first);
        same(await adopt(other, { ...FIRST_TIME, generation }), undefined);
      });
    }
  });

  describe("more than one application", () => {
    test("has separate data", async ({ another, begin, idsOf }) => {
      const other = await another({ space: newSpace() });
      const alice = newLogin("alice");
      await begin(alice);
      await other.end("alice", { kick: newKick() });
      await other.kickEveryone(newKick());
      await other.clear();
      same(await idsOf("alice"), [alice.id]);
    });

    test("is refused by one registry", ({ registry }) => {
      const initAgain = (): void => {
        registry.init({ appId: newSpace(), maxSessionAgeMs: HOUR_MS });
      };
      assert.throws(initAgain, (error) => LogoutError.is(error, "ERR_REGISTRY_IN_USE"));
      return Promise.resolve();
    });
  });

  describe("a registry that is closed", () => {
    test("is initialized again for the same application", async ({ registry, space, begin, idsOf }) => {
      const alice = newLogin("alice");
      await begin(alice);
      await registry.close();
      registry.init({ appId: space, maxSessionAgeMs: HOUR_MS });
      same(await idsOf("alice"), [alice.id]);
    });
  });
}
