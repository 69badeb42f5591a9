import { eventually, matches, pause, same } from "./assertions.js";
import { addAll, ALL, HOUR_MS, idsOf, newKick, newLogin, unique } from "./context.js";
import type { Suite } from "./suite.js";

const PAGE = { offset: 0, limit: 10 };

export function activeUsersTests(suite: Suite): void {
  order(suite);
  contents(suite);
  scan(suite);
}

function order({ describe, test }: Suite): void {
  describe("the list of active users", () => {
    test("is ordered by last activity, newest first, and paged", async ({ registry, begin }) => {
      const users = ["ann", "ben", "cid", "dan", "eve"].map((userId) => newLogin(userId));
      for (const each of users) {
        await begin(each);
        await pause(2);
      }
      await registry.update("ben", users[1]?.id ?? "", { ttlMs: HOUR_MS });
      const page = async (offset: number): Promise<string[]> =>
        (await registry.activeUsers({ offset, limit: 2 })).items.map(({ userId }) => userId);
      const pages = [await page(0), await page(2), await page(4), await page(6)];
      same(pages, [["ben", "eve"], ["dan", "cid"], ["ann"], []]);
      same((await registry.activeUsers({ offset: 0, limit: 1 })).total, 5);
    });

    test("is not reordered by a new session id alone", async ({ registry, begin, online }) => {
      const [alice, bob] = [newLogin("alice"), newLogin("bob")];
      await begin(alice);
      await pause(2);
      await begin(bob);
      await registry.update("alice", alice.id, { addSid: unique("sid") });
      same(await online(), [2, "bob", "alice"]);
    });

    test("has all logins of a user, newest first", async ({ registry, begin }) => {
      const [one, two, other] = [newLogin("ann"), newLogin("ann", { userAgent: "Phone/1.0" }), newLogin("ben")];
      for (const each of [one, two, other]) {
        await begin(each);
        await pause(2);
      }
      const { items } = await registry.activeUsers(PAGE);
      const found = items.map(({ userId, logins, loginsCount }) => [userId, loginsCount, ...idsOf(logins)]);
      same(found, [
        ["ben", 1, other.id],
        ["ann", 2, two.id, one.id],
      ]);
      same(items[1]?.logins, (await registry.list("ann", ALL)).items);
    });

    test("has the newest fifty of many logins, and their number", async ({ registry }) => {
      const began = Date.now() - HOUR_MS;
      const logins = Array.from({ length: 60 }, (_each, index) => newLogin("ann", { began: new Date(began + index) }));
      await Promise.all(logins.map((each) => registry.add(each)));
      const [ann] = (await registry.activeUsers(PAGE)).items;
      const newest = idsOf(logins).reverse();
      same(idsOf(ann?.logins ?? []), newest.slice(0, 50));
      same(ann?.loginsCount, 60);
      const rest = newest.slice(50).map((id) => ({ id }));
      matches(await registry.list("ann", { offset: 50, limit: 50 }), { items: rest, total: 60 });
    });
  });
}

function contents({ describe, test }: Suite): void {
  describe("the list of active users", () => {
    test("is only counted with a limit of 0", async ({ registry, begin }) => {
      for (const userId of ["ann", "ben"]) await begin(newLogin(userId));
      same(await registry.activeUsers({ offset: 0, limit: 0 }), { items: [], total: 2 });
    });

    test("excludes users who have logged out, were kicked, or whose logins have expired", async (context) => {
      const { begin, endLogin, kick, online } = context;
      const out = newLogin("out");
      const gone = newLogin("gone", { ttlMs: 1 });
      for (const each of [out, newLogin("kicked"), gone, newLogin("here")]) await begin(each);
      await endLogin(out);
      await kick("kicked");
      await eventually(online, [1, "here"]);
    });

    test("does not count users whose logins have expired, even on other pages", async ({ registry, begin }) => {
      for (const userId of ["ann", "ben", "cid"]) await begin(newLogin(userId, { ttlMs: 1 }));
      await begin(newLogin("here"));
      const first = async (): Promise<unknown[]> => {
        const { items, total } = await registry.activeUsers({ offset: 0, limit: 1 });
        return [total, ...items.map(({ userId }) => userId)];
      };
      await eventually(first, [1, "here"]);
    });

    test("keeps a user who has begun another login while their kick was finished", async (context) => {
      const { registry, begin, kick } = context;
      const [before, after] = [newLogin("alice"), newLogin("alice")];
      await begin(before);
      await kick("alice");
      await begin(after);
      await registry.finishKick("alice", [before.id]);
      matches(await registry.activeUsers(PAGE), { items: [{ logins: [{ id: after.id }] }], total: 1 });
    });
  });
}

function scan({ describe, test }: Suite): void {
  describe("the scan of all users", () => {
    test("has every user, however many", async ({ registry, everyone }) => {
      const names = Array.from({ length: 1_200 }, (_value, index) => `user ${String(index)}`);
      await addAll(
        registry,
        names.map((userId) => newLogin(userId)),
      );
      same(await everyone(), names.sort());
    });

    test("has a user whose session id is being rotated, also after a read of the list", async (context) => {
      const { registry, begin, online, everyone } = context;
      const alice = newLogin("alice");
      await begin(alice);
      await registry.update("alice", alice.id, { removeSid: alice.sid });
      same(await online(), [0]);
      same(await everyone(), ["alice"]);
    });

    test("has kicked users until the kick is finished, also after a read of the list", async (context) => {
      const { registry, begin, endLogin, kick, online, everyone } = context;
      const [alice, bob, carol] = [newLogin("alice"), newLogin("bob"), newLogin("carol")];
      for (const each of [alice, bob, carol]) await begin(each);
      await kick("alice");
      await endLogin(bob, { kick: newKick() });
      await endLogin(carol);
      const unfinished = async (): Promise<string[]> => {
        same(await online(), [0]);
        return everyone();
      };
      same(await unfinished(), ["alice", "bob"]);
      // The logout of another login does not finish the kick.
      const again = newLogin("alice");
      await begin(again);
      await endLogin(again);
      same(await unfinished(), ["alice", "bob"]);
      await registry.finishKick("alice", [alice.id]);
      same(await unfinished(), ["bob"]);
      await registry.finishKick("bob", [bob.id]);
      same(await unfinished(), []);
    });
  });
}
