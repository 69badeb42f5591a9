import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type { Generation, KickRecord, LoginRegistry, NewLogin, Subscription } from "../../lib/registry/index.js";
import { Heard } from "../support/heard.js";
import { adopt, endLogin, generationOf, kickUser } from "../support/registry-calls.js";
import { tried } from "../support/tried.js";
import { REGISTRIES, stopRegistryServers } from "../support/registries.js";

const HOUR_MS = 3_600_000;
/** Servers that form a cluster need time to start on a busy machine. */
const START_MS = 60_000;
const MINUTE_MS = 60_000;
const FIRST_TIME = { generation: "", endCount: 0 };
const ALL = { offset: 0, limit: 1_000 };

let count = 0;
const unique = (word: string): string => `${word}-${String((count += 1))}`;
const newKick = (reason?: string): KickRecord => ({
  id: unique("mark"),
  at: new Date(1_700_000_000_000),
  cause: "kick",
  reason,
  by: "ops",
});
const login = (userId: string, more: Partial<NewLogin> = {}): NewLogin => ({
  id: unique("login"),
  userId,
  sid: unique("sid"),
  ttlMs: HOUR_MS,
  ...more,
});

afterAll(stopRegistryServers);

describe.each(REGISTRIES.map((kind) => [kind.name, kind] as const))("%s", (_name, kind) => {
  let registry: LoginRegistry;
  let appId: string;
  beforeAll(() => kind.start(), START_MS);
  afterAll(() => kind.stop());
  afterAll(() => {
    tried({ ...kind.row, what: ["contract of registries"] });
  });
  beforeEach(() => {
    appId = unique("app");
    registry = kind.open(appId);
  });
  afterEach(() => registry.close());

  const begun = async (each: NewLogin): Promise<Generation> => {
    const generation = generationOf(await registry.add(each));
    if (generation === undefined) throw new Error(`${each.id} is not listed`);
    return generation;
  };
  /** Returns the number of users online, and their ids. */
  const online = async (): Promise<unknown[]> => {
    const { total, items: users } = await registry.activeUsers({ offset: 0, limit: 10 });
    return [total, ...users.map(({ userId }) => userId)];
  };
  /** Returns the users that a kick of everyone would find. */
  const everyone = async (): Promise<string[]> => {
    const found: string[] = [];
    for await (const userIds of registry.scanUsers()) found.push(...userIds);
    return found.sort();
  };
  const idsOf = async (userId: string): Promise<string[]> =>
    (await registry.list(userId, ALL)).items.map(({ id }) => id).sort();

  describe("a login that begins", () => {
    it("is found with all its fields", async () => {
      const began = Date.now();
      const alice = login("alice", { ip: "203.0.113.9", userAgent: 'Ünïcode/1.0 {"}' });
      await registry.add(alice);
      const found = await registry.find("alice", alice.id);
      expect(found).toMatchObject({
        id: alice.id,
        userId: "alice",
        sids: [alice.sid],
        ip: "203.0.113.9",
        userAgent: 'Ünïcode/1.0 {"}',
      });
      expect(Math.abs(Number(found?.began) - began)).toBeLessThan(10_000);
      expect(Number(found?.expires) - Number(found?.began)).toBe(HOUR_MS);
    });

    it("keeps the given start time", async () => {
      const began = new Date(Date.now() - HOUR_MS);
      const alice = login("alice", { began });
      await registry.add(alice);
      expect((await registry.find("alice", alice.id))?.began).toEqual(began);
    });

    it("is not found under another user", async () => {
      const alice = login("alice");
      await registry.add(alice);
      expect(await registry.find("bob", alice.id)).toBeUndefined();
      expect(await registry.find("alice", "another")).toBeUndefined();
    });

    it("is listed with the user's others, the newest first", async () => {
      const old = login("alice", { began: new Date(Date.now() - HOUR_MS) });
      const young = login("alice");
      await registry.add(young);
      await registry.add(old);
      expect((await registry.list("alice", ALL)).items.map(({ id }) => id)).toEqual([young.id, old.id]);
    });

    it("is no longer listed after it expires", async () => {
      await registry.add(login("alice", { ttlMs: 1 }));
      const stays = login("alice");
      await registry.add(stays);
      await expect(eventually(() => idsOf("alice"), [stays.id])).resolves.toBe(true);
    });
  });

  describe("a login id", () => {
    it("is listed in the generation of earlier kicks", async () => {
      await kickUser(registry, "alice", newKick());
      await registry.kickEveryone(newKick());
      const alice = login("alice");
      expect(await registry.kickOf("alice", alice.id, await begun(alice))).toBeUndefined();
    });

    it.each([
      ["kicked", { kick: newKick() }],
      ["undone", { remember: "for a day" }],
      ["logged out for good", { remember: true }],
    ] as const)("that has been %s is not listed again", async (_how, end) => {
      const alice = login("alice");
      await begun(alice);
      await endLogin(registry, "alice", alice.id, end);
      expect(await registry.add(alice)).toEqual({ outcome: "ended" });
      expect(await registry.find("alice", alice.id)).toBeUndefined();
      expect(await online()).toEqual([0]);
      expect(await registry.add({ ...alice, id: unique("login") })).toMatchObject({ outcome: "listed", ended: [] });
    });

    it("that was ended before it was listed is not listed", async () => {
      const alice = login("alice");
      await endLogin(registry, "alice", alice.id);
      expect(await registry.add(alice)).toEqual({ outcome: "ended" });
      expect(await idsOf("alice")).toEqual([]);
    });

    it("of another user is not affected", async () => {
      const alice = login("alice");
      await endLogin(registry, "bob", alice.id, { remember: true });
      await begun(alice);
      expect(await idsOf("alice")).toEqual([alice.id]);
    });
  });

  describe("a user's list", () => {
    it("is paged, newest first, with the total number", async () => {
      const logins = [3, 5, 1, 4, 2].map((hours) =>
        login("alice", { began: new Date(Date.now() - hours * HOUR_MS), sid: String(hours) }),
      );
      for (const each of logins) await begun(each);
      await begun(login("bob"));
      const page = async (offset: number, limit: number): Promise<unknown[]> => {
        const { items, total } = await registry.list("alice", { offset, limit });
        return [total, ...items.flatMap(({ sids }) => sids)];
      };
      expect(await page(0, 2)).toEqual([5, "1", "2"]);
      expect(await page(2, 2)).toEqual([5, "3", "4"]);
      expect(await page(4, 2)).toEqual([5, "5"]);
      expect(await page(6, 2)).toEqual([5]);
      expect(await page(0, 0)).toEqual([5]);
    });

    it("is empty if the user has no login", async () => {
      expect(await registry.list("alice", ALL)).toEqual({ items: [], total: 0 });
    });

    it("returns the same logins as find", async () => {
      const alice = login("alice", { ip: "203.0.113.9", userAgent: "phone" });
      await begun(alice);
      expect((await registry.list("alice", ALL)).items).toEqual([await registry.find("alice", alice.id)]);
    });
  });

  describe("the shown logins", () => {
    it("follows a session whose lifetime becomes shorter, unlike the listing", async () => {
      const alice = login("alice");
      await begun(alice);
      expect(await registry.update("alice", alice.id, { ttlMs: 1 })).toBe(true);
      await expect(eventually(() => idsOf("alice"), [])).resolves.toBe(true);
      await expect(eventually(online, [0])).resolves.toBe(true);
      expect(await registry.find("alice", alice.id)).toMatchObject({ id: alice.id, sids: [alice.sid] });
      expect(await everyone()).toEqual(["alice"]);
    });

    it("ends, and returns once the session lives longer again", async () => {
      const alice = login("alice");
      await begun(alice);
      const ends = async () => {
        const found = await registry.find("alice", alice.id);
        return [Number(found?.shownUntil) - Number(found?.lastActive), Number(found?.expires) - Number(found?.began)];
      };
      expect(await ends()).toEqual([HOUR_MS, HOUR_MS]);
      await registry.update("alice", alice.id, { ttlMs: MINUTE_MS });
      expect(await ends()).toEqual([MINUTE_MS, HOUR_MS]);
      expect(await idsOf("alice")).toEqual([alice.id]);
      await registry.update("alice", alice.id, { ttlMs: 1 });
      await expect(eventually(online, [0])).resolves.toBe(true);
      await registry.update("alice", alice.id, { ttlMs: 2 * HOUR_MS });
      expect((await ends())[0]).toBe(2 * HOUR_MS);
      expect(await idsOf("alice")).toEqual([alice.id]);
      expect(await online()).toEqual([1, "alice"]);
    });

    it("is shown again after the adoption of a listed login", async () => {
      const alice = login("alice");
      await adopt(registry, alice, FIRST_TIME);
      await registry.update("alice", alice.id, { ttlMs: 1 });
      await expect(eventually(online, [0])).resolves.toBe(true);
      await adopt(registry, { ...alice, ttlMs: MINUTE_MS }, FIRST_TIME);
      expect(await idsOf("alice")).toEqual([alice.id]);
      expect(await online()).toEqual([1, "alice"]);
    });

    it("is ended by a kick, even if it is no longer shown", async () => {
      const alice = login("alice");
      await begun(alice);
      await registry.update("alice", alice.id, { ttlMs: 1 });
      await expect(eventually(online, [0])).resolves.toBe(true);
      expect((await kickUser(registry, "alice", newKick())).map(({ id }) => id)).toEqual([alice.id]);
      expect(await registry.find("alice", alice.id)).toBeUndefined();
    });

    it("is the longest-lived login of a user with several", async () => {
      const [short, long] = [login("alice"), login("alice")];
      await begun(short);
      await begun(long);
      await registry.update("alice", short.id, { ttlMs: 1 });
      await expect(eventually(() => idsOf("alice"), [long.id])).resolves.toBe(true);
      expect(await online()).toEqual([1, "alice"]);
      await endLogin(registry, "alice", long.id);
      expect(await online()).toEqual([0]);
      expect(await everyone()).toEqual(["alice"]);
    });
  });

  describe("an update", () => {
    it("adds and removes session ids of a listed login", async () => {
      const alice = login("alice");
      await registry.add(alice);
      expect(await registry.update("alice", alice.id, { removeSid: alice.sid })).toBe(true);
      expect(await registry.find("alice", alice.id)).toMatchObject({ sids: [] });
      expect(await registry.update("alice", alice.id, { addSid: "new" })).toBe(true);
      expect(await registry.update("alice", alice.id, { addSid: "new" })).toBe(true);
      expect(await registry.update("alice", alice.id, { addSid: "newer" })).toBe(true);
      expect(await registry.find("alice", alice.id)).toMatchObject({ sids: ["new", "newer"] });
    });

    it("never lists a login", async () => {
      expect(await registry.update("alice", "unknown", { addSid: "sid", ttlMs: HOUR_MS })).toBe(false);
      expect(await registry.find("alice", "unknown")).toBeUndefined();
      expect((await registry.activeUsers({ offset: 0, limit: 10 })).total).toBe(0);
    });

    it("of an expired login is refused", async () => {
      const alice = login("alice", { ttlMs: 1 });
      await begun(alice);
      const isListed = () => registry.update("alice", alice.id, {});
      await expect(eventually(isListed, false)).resolves.toBe(true);
      expect(await registry.update("alice", alice.id, { addSid: "new", ttlMs: HOUR_MS })).toBe(false);
      expect(await idsOf("alice")).toEqual([]);
    });

    it("only extends the expiry of a login", async () => {
      const alice = login("alice");
      await registry.add(alice);
      await registry.update("alice", alice.id, { ttlMs: 1 });
      const shortened = await registry.find("alice", alice.id);
      await registry.update("alice", alice.id, { ttlMs: 2 * HOUR_MS });
      const lengthened = await registry.find("alice", alice.id);
      expect(Number(lengthened?.expires) - Number(shortened?.expires)).toBeGreaterThan(HOUR_MS / 2);
      expect(Number(shortened?.expires) - Date.now()).toBeGreaterThan(HOUR_MS / 2);
    });

    it("sets the device of a login without one, and never changes it afterwards", async () => {
      const adopted = login("alice");
      const known = login("alice", { ip: "203.0.113.9" });
      await registry.add(adopted);
      const named = login("alice", { userAgent: "desk" });
      await registry.add(known);
      await registry.add(named);
      const device = { ip: "198.51.100.7", userAgent: "phone" };
      await registry.update("alice", adopted.id, { ttlMs: HOUR_MS, ...device });
      await registry.update("alice", known.id, { ttlMs: HOUR_MS, ...device });
      expect(await registry.find("alice", adopted.id)).toMatchObject(device);
      await registry.update("alice", named.id, { ttlMs: HOUR_MS, ...device });
      expect(await registry.find("alice", known.id)).toMatchObject({ ip: "203.0.113.9", userAgent: undefined });
      expect(await registry.find("alice", named.id)).toMatchObject({ ip: undefined, userAgent: "desk" });
    });

    it("moves the last activity only if it has a ttlMs", async () => {
      const alice = login("alice");
      await registry.add(alice);
      const lastActive = async () => (await registry.find("alice", alice.id))?.lastActive.getTime();
      const first = await lastActive();
      for (let times = 0; times < 10; times += 1) await registry.update("alice", alice.id, { addSid: "another" });
      expect(await lastActive()).toBe(first);
      const isLater = async (act: () => Promise<unknown>) => {
        const before = Number(await lastActive());
        return eventually(async () => {
          await act();
          return Number(await lastActive()) > before;
        }, true);
      };
      expect(await isLater(() => registry.update("alice", alice.id, { ttlMs: HOUR_MS }))).toBe(true);
      expect(await isLater(() => adopt(registry, alice, FIRST_TIME))).toBe(true);
    });

    it("that removes the only session id hides the login until it has another", async () => {
      const alice = login("alice");
      await registry.add(alice);
      await registry.update("alice", alice.id, { removeSid: alice.sid });
      expect(await registry.list("alice", ALL)).toEqual({ items: [], total: 0 });
      expect(await online()).toEqual([0]);
      expect(await everyone()).toEqual(["alice"]);
      expect(await registry.update("alice", alice.id, { addSid: "new", ttlMs: HOUR_MS })).toBe(true);
      expect(await idsOf("alice")).toEqual([alice.id]);
      expect(await online()).toEqual([1, "alice"]);
    });

    it("that changes the session id leaves the user's other logins shown", async () => {
      const [phone, desk] = [login("alice"), login("alice")];
      await begun(phone);
      await begun(desk);
      await registry.update("alice", phone.id, { removeSid: phone.sid });
      expect(await registry.list("alice", ALL)).toMatchObject({ items: [{ id: desk.id }], total: 1 });
      expect(await online()).toEqual([1, "alice"]);
    });
  });

  describe("the end of one login", () => {
    it("removes it once, and leaves the others", async () => {
      const [one, two] = [login("alice"), login("alice")];
      await registry.add(one);
      await registry.add(two);
      const first = await endLogin(registry, "alice", one.id);
      const second = await endLogin(registry, "alice", one.id);
      expect(first.login).toMatchObject({ id: one.id, sids: [one.sid] });
      expect(second.login).toBeUndefined();
      expect(await idsOf("alice")).toEqual([two.id]);
    });

    it("has its reason", async () => {
      const alice = login("alice");
      const generation = await begun(alice);
      const why = newKick('a stolen phone: "{}" \ud83d\ude00');
      await endLogin(registry, "alice", alice.id, { kick: why });
      expect(await registry.kickOf("alice", alice.id, generation)).toEqual(why);
    });

    it("keeps its reason when the login is ended again", async () => {
      const alice = login("alice");
      const generation = await begun(alice);
      const why = newKick("lost");
      await endLogin(registry, "alice", alice.id, { kick: why });
      for (let endCount = 2; endCount <= 10; endCount += 1) {
        expect(await endLogin(registry, "alice", alice.id)).toEqual({ login: undefined, endCount });
      }
      expect(await registry.kickOf("alice", alice.id, generation)).toEqual(why);
    });

    it("has no reason if the login was not kicked", async () => {
      const alice = login("alice");
      const generation = await begun(alice);
      await endLogin(registry, "alice", alice.id);
      expect(await registry.kickOf("alice", alice.id, generation)).toBeUndefined();
    });
  });

  describe("the end of one login, with a condition,", () => {
    const ended = { login: undefined, endCount: 0 };

    it("remembers nothing of an id that is not listed", async () => {
      const alice = login("alice");
      expect(await endLogin(registry, "alice", alice.id, { kick: newKick(), ifListed: true })).toEqual(ended);
      expect(await endLogin(registry, "alice", alice.id, { remember: true, ifSid: alice.sid })).toEqual(ended);
      expect(await endLogin(registry, "alice", alice.id, { remember: true, ifLastSid: alice.sid })).toEqual(ended);
      expect(await registry.kickOf("alice", alice.id, "")).toBeUndefined();
      expect(await everyone()).toEqual([]);
      expect(await adopt(registry, alice, FIRST_TIME)).toEqual(expect.any(String));
    });

    it("equals an unconditional end if the login is listed", async () => {
      const [one, two, three] = [login("alice"), login("alice"), login("alice")];
      const generation = await begun(one);
      for (const each of [two, three]) await begun(each);
      const kick = newKick("lost");
      expect(await endLogin(registry, "alice", one.id, { kick, ifListed: true })).toMatchObject({
        login: { id: one.id, sids: [one.sid] },
        endCount: 1,
      });
      expect(await registry.kickOf("alice", one.id, generation)).toEqual(kick);
      const { login: second } = await endLogin(registry, "alice", two.id, { remember: true, ifSid: two.sid });
      expect(second).toMatchObject({ id: two.id });
      expect(await adopt(registry, two, { generation, endCount: 0 })).toBeUndefined();
      const { login: third } = await endLogin(registry, "alice", three.id, { ifLastSid: three.sid });
      expect(third).toMatchObject({ id: three.id });
      expect(await idsOf("alice")).toEqual([]);
      expect(await online()).toEqual([0]);
    });

    it("of an unfinished kick returns the login again until it is finished", async () => {
      const alice = login("alice");
      await begun(alice);
      for (let times = 0; times < 2; times += 1) {
        const { login: found } = await endLogin(registry, "alice", alice.id, { kick: newKick(), ifListed: true });
        expect(found).toMatchObject({ id: alice.id, sids: [alice.sid] });
      }
      await registry.finishKick("alice", [alice.id]);
      expect(await endLogin(registry, "alice", alice.id, { kick: newKick(), ifListed: true })).toMatchObject({
        login: undefined,
      });
    });

    it.each(["ifSid", "ifLastSid"] as const)("%s: does not end a login with another session id", async (condition) => {
      const alice = login("alice");
      const generation = await begun(alice);
      const before = await registry.find("alice", alice.id);
      for (const sid of ["another", "", `${alice.sid} `, alice.id]) {
        const end = { kick: newKick(), remember: true, [condition]: sid };
        expect(await endLogin(registry, "alice", alice.id, end)).toEqual(ended);
      }
      expect(await registry.find("alice", alice.id)).toEqual(before);
      expect(await registry.kickOf("alice", alice.id, generation)).toBeUndefined();
      expect(await online()).toEqual([1, "alice"]);
      expect(await endLogin(registry, "alice", alice.id)).toMatchObject({ login: { id: alice.id }, endCount: 0 });
    });

    it("ifSid: accepts any of its session ids", async () => {
      const alice = login("alice");
      await begun(alice);
      await registry.update("alice", alice.id, { addSid: "second" });
      expect(await endLogin(registry, "alice", alice.id, { ifSid: "second" })).toMatchObject({
        login: { id: alice.id, sids: [alice.sid, "second"] },
      });
      expect(await idsOf("alice")).toEqual([]);
    });

    it("ifLastSid: removes one of two session ids, then ends the login", async () => {
      const alice = login("alice");
      const generation = await begun(alice);
      await registry.update("alice", alice.id, { addSid: "second" });
      const before = await registry.find("alice", alice.id);
      expect(await endLogin(registry, "alice", alice.id, { ifLastSid: alice.sid })).toEqual(ended);
      expect(await registry.find("alice", alice.id)).toEqual({ ...before, sids: ["second"] });
      expect(await online()).toEqual([1, "alice"]);
      expect(await endLogin(registry, "alice", alice.id, { ifLastSid: alice.sid })).toEqual(ended);
      expect(await endLogin(registry, "alice", alice.id, { ifLastSid: "second" })).toMatchObject({
        login: { id: alice.id },
        endCount: 0,
      });
      expect(await idsOf("alice")).toEqual([]);
      expect(await adopt(registry, alice, { generation, endCount: 0 })).toEqual(expect.any(String));
    });

    it("ifLastSid: leaves a login that is between two session ids to the request that rotates it", async () => {
      const alice = login("alice");
      await begun(alice);
      await registry.update("alice", alice.id, { removeSid: alice.sid });
      expect(await endLogin(registry, "alice", alice.id, { ifLastSid: alice.sid })).toEqual(ended);
      expect(await registry.update("alice", alice.id, { addSid: "new", ttlMs: HOUR_MS })).toBe(true);
    });
  });

  describe("a kick", () => {
    it("ends all logins of the user and of no other user", async () => {
      const [one, two, bob] = [login("alice"), login("alice"), login("bob")];
      for (const each of [one, two, bob]) await registry.add(each);
      const removed = await kickUser(registry, "alice", newKick());
      expect(removed.map(({ id }) => id).sort()).toEqual([one.id, two.id].sort());
      expect(await idsOf("alice")).toEqual([]);
      expect(await idsOf("bob")).toEqual([bob.id]);
    });

    it("of many concurrent users returns to each their own logins", async () => {
      const users = Array.from({ length: 60 }, (_each, number) => `user ${String(number)}`);
      const logins = users.map((userId) => login(userId, { ip: userId }));
      await Promise.all(logins.map((each) => registry.add(each)));
      const kicked = await Promise.all(users.map((userId) => kickUser(registry, userId, newKick())));
      const found = kicked.map((removed) => removed.map(({ id, userId, sids, ip }) => ({ id, userId, sids, ip })));
      expect(found).toEqual(logins.map(({ id, userId, sid, ip }) => [{ id, userId, sids: [sid], ip }]));
      await Promise.all(logins.map(({ userId, id }) => registry.finishKick(userId, [id])));
      const repeated = await Promise.all(users.map((userId) => kickUser(registry, userId, newKick())));
      expect(repeated).toEqual(users.map(() => []));
    });

    it("keeps the ended logins until it is finished", async () => {
      const [one, two] = [login("alice"), login("alice")];
      await registry.add(one);
      await kickUser(registry, "alice", newKick());
      await registry.add(two);
      expect((await kickUser(registry, "alice", newKick())).map(({ id }) => id).sort()).toEqual(
        [one.id, two.id].sort(),
      );
      await registry.finishKick("alice", [one.id]);
      expect((await kickUser(registry, "alice", newKick())).map(({ id }) => id)).toEqual([two.id]);
      await registry.finishKick("alice", [two.id]);
      expect(await kickUser(registry, "alice", newKick())).toEqual([]);
    });

    it.each([1_000, 10_000])("of %i logins is finished in one call", async (count) => {
      const alice = login("alice");
      await registry.add(alice);
      await kickUser(registry, "alice", newKick());
      const others = Array.from({ length: count - 1 }, (_value, index) => `other ${String(index)}`);
      await registry.finishKick("alice", [...others, alice.id]);
      expect(await kickUser(registry, "alice", newKick())).toEqual([]);
    });

    it("of one login keeps it until the kick is finished", async () => {
      const alice = login("alice");
      await registry.add(alice);
      for (let times = 0; times < 2; times += 1) {
        const { login: removed } = await endLogin(registry, "alice", alice.id, { kick: newKick() });
        expect(removed).toMatchObject({ id: alice.id, sids: [alice.sid] });
        expect(await registry.find("alice", alice.id)).toBeUndefined();
      }
      await registry.finishKick("alice", [alice.id]);
      expect(await endLogin(registry, "alice", alice.id, { kick: newKick() })).toMatchObject({ login: undefined });
    });

    it("does not return a login that was logged out before", async () => {
      const alice = login("alice");
      await adopt(registry, alice, FIRST_TIME);
      await endLogin(registry, "alice", alice.id, { remember: true });
      expect(await kickUser(registry, "alice", newKick())).toEqual([]);
    });

    it("is the reason for logins that began before it, not for later ones", async () => {
      const before = login("alice");
      const eraBefore = await begun(before);
      const kick = newKick("maintenance");
      await kickUser(registry, "alice", kick);
      const after = login("alice");
      const eraAfter = await begun(after);
      expect(await registry.kickOf("alice", before.id, eraBefore)).toEqual(kick);
      expect(await registry.kickOf("alice", after.id, eraAfter)).toBeUndefined();
      expect(await registry.kickOf("alice", "older than the installation", "")).toEqual(kick);
    });

    it("of everyone is the reason for logins that began before it, not for later ones", async () => {
      const eraBefore = await begun(login("alice"));
      const kick = newKick("an incident");
      await registry.kickEveryone(kick);
      const eraAfter = await begun(login("alice"));
      expect(await registry.kickOf("alice", "any", eraBefore)).toEqual(kick);
      expect(await registry.kickOf("alice", "any", eraAfter)).toBeUndefined();
    });
  });

  describe("a kick that spares one login", () => {
    it("ends all others, including one that is changing its session id", async () => {
      const [here, phone, hidden] = [
        login("alice", { ip: "203.0.113.9", userAgent: "here" }),
        login("alice"),
        login("alice"),
      ];
      for (const each of [here, phone, hidden]) await registry.add(each);
      await registry.update("alice", hidden.id, { removeSid: hidden.sid });
      const before = await registry.find("alice", here.id);
      const kicked = await kickUser(registry, "alice", newKick(), { except: here.id });
      expect(kicked.map(({ id }) => id).sort()).toEqual([phone.id, hidden.id].sort());
      expect(await registry.update("alice", hidden.id, { addSid: "new" })).toBe(false);
      expect(await registry.list("alice", ALL)).toEqual({ items: [before], total: 1 });
      const { total, items: users } = await registry.activeUsers({ offset: 0, limit: 10 });
      expect([total, users.map(({ userId }) => userId)]).toEqual([1, ["alice"]]);
      expect(await everyone()).toContain("alice");
    });

    it("is the reason for every login but the spared one", async () => {
      const [here, phone] = [login("alice"), login("alice")];
      const generation = await begun(here);
      await registry.add(phone);
      const kick = newKick("elsewhere");
      await kickUser(registry, "alice", kick, { except: here.id });
      expect(await registry.kickOf("alice", phone.id, generation)).toEqual(kick);
      expect(await registry.kickOf("alice", here.id, generation)).toBeUndefined();
    });

    it("lets only the spared login be adopted", async () => {
      const [here, phone] = [login("alice"), login("alice")];
      const generation = await begun(here);
      await registry.add(phone);
      const { endCount } = await endLogin(registry, "alice", phone.id);
      await kickUser(registry, "alice", newKick(), { except: here.id });
      expect(await adopt(registry, phone, { generation, endCount })).toBeUndefined();
      expect(await adopt(registry, login("alice"), FIRST_TIME)).toBeUndefined();
      const removal = await endLogin(registry, "alice", here.id);
      expect(await adopt(registry, { ...here, sid: "new" }, { generation, endCount: removal.endCount })).toEqual(
        expect.any(String),
      );
      expect(await idsOf("alice")).toEqual([here.id]);
    });

    it("spares no login if that one is not listed or belongs to another user", async () => {
      const [gone, phone, bob] = [login("alice"), login("alice"), login("bob")];
      const generation = await begun(gone);
      for (const each of [phone, bob]) await registry.add(each);
      const { endCount } = await endLogin(registry, "alice", gone.id);
      const kick = newKick();
      await kickUser(registry, "alice", kick, { except: gone.id });
      expect(await adopt(registry, gone, { generation, endCount })).toBeUndefined();
      expect(await registry.kickOf("alice", gone.id, generation)).toEqual(kick);
      await registry.add(phone);
      await kickUser(registry, "alice", newKick(), { except: bob.id });
      expect(await idsOf("alice")).toEqual([]);
      expect(await idsOf("bob")).toEqual([bob.id]);
    });

    it("does not spare it from another kick", async () => {
      const here = login("alice");
      const generation = await begun(here);
      await kickUser(registry, "alice", newKick(), { except: here.id });
      const { endCount } = await endLogin(registry, "alice", here.id);
      const kick = newKick();
      await kickUser(registry, "alice", kick);
      expect(await adopt(registry, here, { generation, endCount })).toBeUndefined();
      expect(await registry.kickOf("alice", here.id, generation)).toEqual(kick);
    });
  });

  describe("adoption", () => {
    it("extends a login that is already listed", async () => {
      const alice = login("alice");
      await adopt(registry, alice, FIRST_TIME);
      await adopt(registry, { ...alice, ttlMs: 3 * HOUR_MS }, FIRST_TIME);
      await adopt(registry, { ...alice, ttlMs: 1 }, FIRST_TIME);
      const found = await registry.find("alice", alice.id);
      expect(Number(found?.expires) - Number(found?.began)).toBeGreaterThanOrEqual(3 * HOUR_MS);
    });

    it("lists a login with all its fields", async () => {
      const device = { ip: "203.0.113.9", userAgent: "phone", began: new Date(1_700_000_000_000) };
      const alice = login("alice", device);
      await adopt(registry, alice, FIRST_TIME);
      expect(await registry.find("alice", alice.id)).toMatchObject(device);
    });

    it("lists a login of a user who was never kicked", async () => {
      const alice = login("alice");
      expect(await adopt(registry, alice, FIRST_TIME)).toEqual(expect.any(String));
      expect(await idsOf("alice")).toEqual([alice.id]);
    });

    it("by two concurrent first requests lists one login", async () => {
      const alice = login("alice");
      await Promise.all([adopt(registry, alice, FIRST_TIME), adopt(registry, alice, FIRST_TIME)]);
      expect(await registry.find("alice", alice.id)).toMatchObject({ sids: [alice.sid] });
    });

    it("is refused for a session id that the login has left", async () => {
      const alice = login("alice");
      await adopt(registry, alice, FIRST_TIME);
      await registry.update("alice", alice.id, { addSid: "new", removeSid: alice.sid });
      expect(await registry.add(alice, { since: FIRST_TIME })).toEqual({ outcome: "moved" });
      expect(await registry.find("alice", alice.id)).toMatchObject({ sids: ["new"] });
    });

    it("is refused while the login is between two session ids", async () => {
      const alice = login("alice");
      await adopt(registry, alice, FIRST_TIME);
      await registry.update("alice", alice.id, { removeSid: alice.sid });
      expect(await registry.add(alice, { since: FIRST_TIME })).toEqual({ outcome: "moved" });
      expect(await registry.find("alice", alice.id)).toMatchObject({ sids: [] });
    });

    it("is refused once the user has been kicked", async () => {
      const alice = login("alice");
      await kickUser(registry, "alice", newKick());
      expect(await adopt(registry, alice, FIRST_TIME)).toBeUndefined();
      expect(await registry.find("alice", alice.id)).toBeUndefined();
    });

    it("is refused once everyone has been kicked", async () => {
      const alice = login("alice");
      await registry.kickEveryone(newKick());
      expect(await adopt(registry, alice, FIRST_TIME)).toBeUndefined();
      expect(await registry.find("alice", alice.id)).toBeUndefined();
    });

    it("is refused once the login has been ended with remember", async () => {
      const alice = login("alice");
      await adopt(registry, alice, FIRST_TIME);
      const { endCount } = await endLogin(registry, "alice", alice.id, { remember: true });
      expect(await adopt(registry, alice, FIRST_TIME)).toBeUndefined();
      expect(await adopt(registry, alice, { generation: "", endCount })).toEqual(expect.any(String));
    });

    it("is refused for a day after the kick of an unlisted login, however long sessions live", async () => {
      const alice = login("alice");
      registry.init({ appId, maxSessionAgeMs: 1 });
      await endLogin(registry, "alice", alice.id, { kick: newKick() });
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(await adopt(registry, alice, FIRST_TIME)).toBeUndefined();
    });

    it("is refused after every end that its count does not include", async () => {
      const [alice, other] = [login("alice"), login("alice")];
      await adopt(registry, alice, FIRST_TIME);
      const { endCount } = await endLogin(registry, "alice", alice.id, { remember: true });
      await endLogin(registry, "alice", other.id, { remember: true });
      expect(await adopt(registry, alice, FIRST_TIME)).toBeUndefined();
      expect(await adopt(registry, alice, { generation: "", endCount })).toEqual(expect.any(String));
      await endLogin(registry, "alice", alice.id, { remember: true });
      expect(await adopt(registry, alice, { generation: "", endCount })).toBeUndefined();
    });

    it("by the call that ended the login succeeds if no other call has ended it", async () => {
      const alice = login("alice");
      const generation = await begun(alice);
      const { endCount } = await endLogin(registry, "alice", alice.id);
      expect(await adopt(registry, { ...alice, sid: "new" }, { generation, endCount })).toEqual(expect.any(String));
    });

    it.each([
      ["a kick of the user", () => kickUser(registry, "alice", newKick())],
      ["a kick of everyone", () => registry.kickEveryone(newKick())],
    ])("by the caller that removed the login is refused after %s", async (_what, kick) => {
      const alice = login("alice");
      const generation = await begun(alice);
      const { endCount } = await endLogin(registry, "alice", alice.id);
      await kick();
      expect(await adopt(registry, alice, { generation, endCount })).toBeUndefined();
      expect(await idsOf("alice")).toEqual([]);
    });

    it("by the call that ended the login is refused after another end", async () => {
      const alice = login("alice");
      const generation = await begun(alice);
      const { endCount } = await endLogin(registry, "alice", alice.id);
      await endLogin(registry, "alice", alice.id);
      expect(await adopt(registry, alice, { generation, endCount })).toBeUndefined();
    });

    it("returns the new generation", async () => {
      await kickUser(registry, "alice", newKick());
      await registry.kickEveryone(newKick());
      const alice = login("alice");
      const generation = await adopt(registry, alice, { generation: await begun(login("alice")), endCount: 0 });
      expect(await registry.kickOf("alice", alice.id, generation ?? "none")).toBeUndefined();
      const { endCount } = await endLogin(registry, "alice", alice.id);
      expect(await adopt(registry, alice, { generation: generation ?? "none", endCount })).toEqual(generation);
      const kick = newKick();
      await kickUser(registry, "alice", kick);
      expect(await registry.kickOf("alice", alice.id, generation ?? "none")).toEqual(kick);
    });

    it("succeeds in the generation of an earlier kick", async () => {
      await kickUser(registry, "alice", newKick());
      await registry.kickEveryone(newKick());
      const alice = login("alice");
      const generation = await begun(alice);
      const { endCount } = await endLogin(registry, "alice", alice.id);
      expect(await adopt(registry, alice, { generation, endCount })).toEqual(expect.any(String));
    });
  });

  describe.each([
    ["its user", (kick: KickRecord) => kickUser(registry, "alice", kick)],
    ["everyone", (kick: KickRecord) => registry.kickEveryone(kick)],
  ])("adoption of a session whose authentication is known, after a kick of %s", (_whom, kick) => {
    const at = new Date(1_700_000_000_000);
    const after = (ms: number): Date => new Date(+at + ms);

    it.each([MINUTE_MS, HOUR_MS])("%i ms before, lists it, in the generation of that kick", async (ms) => {
      await kick({ ...newKick(), at });
      const alice = login("alice");
      const generation = await adopt(registry, alice, { ...FIRST_TIME, authenticatedAt: after(ms) });
      expect(await idsOf("alice")).toEqual([alice.id]);
      expect(await registry.kickOf("alice", alice.id, generation ?? "none")).toBeUndefined();
      const { endCount } = await endLogin(registry, "alice", alice.id);
      expect(await adopt(registry, alice, { generation: generation ?? "none", endCount })).toEqual(generation);
    });

    it.each([MINUTE_MS - 1, 59_000, 0, -HOUR_MS, NaN])("%i ms before, is refused", async (ms) => {
      await kick({ ...newKick('{"at":1}'), at });
      const alice = login("alice");
      expect(await adopt(registry, alice, { ...FIRST_TIME, authenticatedAt: after(ms) })).toBeUndefined();
      expect(await registry.find("alice", alice.id)).toBeUndefined();
      expect(await online()).toEqual([0]);
    });

    it("is refused after a second kick that is not a minute older", async () => {
      await kick({ ...newKick(), at });
      await kick({ ...newKick(), at: after(2 * MINUTE_MS) });
      const since = { ...FIRST_TIME, authenticatedAt: after(2 * MINUTE_MS) };
      expect(await adopt(registry, login("alice"), since)).toBeUndefined();
    });

    it("is refused if the login itself has been ended", async () => {
      await kick({ ...newKick(), at });
      const alice = login("alice");
      await endLogin(registry, "alice", alice.id, { remember: true });
      expect(await adopt(registry, alice, { ...FIRST_TIME, authenticatedAt: after(HOUR_MS) })).toBeUndefined();
    });

    it("is refused if the other kick is not old enough", async () => {
      await kickUser(registry, "alice", { ...newKick(), at: after(HOUR_MS) });
      await registry.kickEveryone({ ...newKick(), at: after(HOUR_MS) });
      await kick({ ...newKick(), at });
      const since = { ...FIRST_TIME, authenticatedAt: after(2 * MINUTE_MS) };
      expect(await adopt(registry, login("alice"), since)).toBeUndefined();
    });
  });

  describe("the list of active users", () => {
    it("is ordered by last activity, newest first, and paged", async () => {
      const users = ["ann", "ben", "cid", "dan", "eve"].map((userId) => login(userId));
      for (const each of users) await registry.add(each);
      await registry.update("ben", users[1]?.id ?? "", { ttlMs: HOUR_MS });
      const page = async (offset: number): Promise<string[]> =>
        (await registry.activeUsers({ offset, limit: 2 })).items.map(({ userId }) => userId);
      expect([await page(0), await page(2), await page(4), await page(6)]).toEqual([
        ["ben", "eve"],
        ["dan", "cid"],
        ["ann"],
        [],
      ]);
      expect((await registry.activeUsers({ offset: 0, limit: 1 })).total).toBe(5);
    });

    it("has all logins of a user, newest first", async () => {
      const [one, two, other] = [login("ann"), login("ann", { userAgent: "Phone/1.0" }), login("ben")];
      for (const each of [one, two, other]) {
        await registry.add(each);
        // Redis has times in milliseconds.
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      const { items: users } = await registry.activeUsers({ offset: 0, limit: 10 });
      expect(users.map(({ userId, logins }) => [userId, logins.map(({ id }) => id)])).toEqual([
        ["ben", [other.id]],
        ["ann", [two.id, one.id]],
      ]);
      expect(users[1]?.logins).toEqual((await registry.list("ann", ALL)).items);
      expect(users.map(({ loginsCount }) => loginsCount)).toEqual([1, 2]);
    });

    it("has the newest fifty of many logins, and their number", async () => {
      const began = Date.now() - HOUR_MS;
      const logins = Array.from({ length: 60 }, (_each, index) => login("ann", { began: new Date(began + index) }));
      await Promise.all(logins.map((each) => registry.add(each)));
      const { items: users } = await registry.activeUsers({ offset: 0, limit: 10 });
      const newest = logins.map(({ id }) => id).reverse();
      expect(users[0]?.logins.map(({ id }) => id)).toEqual(newest.slice(0, 50));
      expect(users[0]?.loginsCount).toBe(60);
      expect(await registry.list("ann", { offset: 50, limit: 50 })).toMatchObject({
        items: newest.slice(50).map((id) => ({ id })),
        total: 60,
      });
    });

    it("is only counted with a limit of 0", async () => {
      for (const userId of ["ann", "ben"]) await begun(login(userId));
      expect(await registry.activeUsers({ offset: 0, limit: 0 })).toEqual({ total: 2, items: [] });
    });

    it("excludes users who have logged out, were kicked, or whose logins have expired", async () => {
      const [out, kicked, gone, here] = ["out", "kicked", "gone", "here"].map((userId) =>
        login(userId, { ttlMs: userId === "gone" ? 1 : HOUR_MS }),
      ) as [NewLogin, NewLogin, NewLogin, NewLogin];
      for (const each of [out, kicked, gone, here]) await registry.add(each);
      await endLogin(registry, "out", out.id);
      await kickUser(registry, "kicked", newKick());
      await expect(eventually(online, [1, "here"])).resolves.toBe(true);
    });

    it("does not count users whose logins have expired, even on other pages", async () => {
      for (const userId of ["ann", "ben", "cid"]) await registry.add(login(userId, { ttlMs: 1 }));
      await registry.add(login("here"));
      const first = async () => {
        const { total, items: users } = await registry.activeUsers({ offset: 0, limit: 1 });
        return [total, ...users.map(({ userId }) => userId)];
      };
      await expect(eventually(first, [1, "here"])).resolves.toBe(true);
    });

    it("is covered by scanUsers, even while a session id is rotated", async () => {
      const alice = login("alice");
      await registry.add(alice);
      await registry.update("alice", alice.id, { removeSid: alice.sid });
      await registry.activeUsers({ offset: 0, limit: 10 });
      expect(await everyone()).toEqual(["alice"]);
    });

    it("is covered by scanUsers until a kick is finished, even if it is read meanwhile", async () => {
      const [alice, bob, carol] = [login("alice"), login("bob"), login("carol")];
      for (const each of [alice, bob, carol]) await registry.add(each);
      await kickUser(registry, "alice", newKick());
      await endLogin(registry, "bob", bob.id, { kick: newKick() });
      await endLogin(registry, "carol", carol.id);
      const unsettled = async (): Promise<string[]> => {
        expect(await online()).toEqual([0]);
        return everyone();
      };
      expect(await unsettled()).toEqual(["alice", "bob"]);
      // The logout of another login does not finish the kick.
      const again = login("alice");
      await registry.add(again);
      await endLogin(registry, "alice", again.id);
      expect(await unsettled()).toEqual(["alice", "bob"]);
      await registry.finishKick("alice", [alice.id]);
      expect(await unsettled()).toEqual(["bob"]);
      await registry.finishKick("bob", [bob.id]);
      expect(await unsettled()).toEqual([]);
    });

    it("keeps a user who has begun another login while their kick was finished", async () => {
      const [before, after] = [login("alice"), login("alice")];
      await registry.add(before);
      await kickUser(registry, "alice", newKick());
      await registry.add(after);
      await registry.finishKick("alice", [before.id]);
      const { total, items: users } = await registry.activeUsers({ offset: 0, limit: 10 });
      expect([total, users.map(({ logins }) => logins.map(({ id }) => id))]).toEqual([1, [[after.id]]]);
    });

    it("is not reordered by a new session id alone", async () => {
      const [alice, bob] = [login("alice"), login("bob")];
      await registry.add(alice);
      await registry.add(bob);
      await registry.update("alice", alice.id, { addSid: unique("sid") });
      const { items: users } = await registry.activeUsers({ offset: 0, limit: 10 });
      expect(users.map(({ userId }) => userId)).toEqual(["bob", "alice"]);
    });

    it("has the newest login of a user first", async () => {
      const began = [2, 3, 1].map((hours) => new Date(Date.now() - hours * HOUR_MS));
      const [middle, oldest, newest] = began.map((each) => login("alice", { began: each })) as [
        NewLogin,
        NewLogin,
        NewLogin,
      ];
      for (const each of [middle, oldest, newest]) await registry.add(each);
      const order = [newest.id, middle.id, oldest.id];
      expect((await registry.list("alice", ALL)).items.map(({ id }) => id)).toEqual(order);
      const { items: users } = await registry.activeUsers({ offset: 0, limit: 10 });
      expect(users.map(({ logins }) => logins.map(({ id }) => id))).toEqual([order]);
    });

    it("has every user, however many", async () => {
      const names = Array.from({ length: 1_200 }, (_value, index) => `user ${String(index)}`);
      await Promise.all(names.map((userId) => registry.add(login(userId))));
      const found = new Set<string>();
      for await (const userIds of registry.scanUsers()) for (const userId of userIds) found.add(userId);
      expect([...found].sort()).toEqual(names.sort());
    });
  });

  describe("odd ids", () => {
    it.each([
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
      "\udc00x",
      "a b\n",
      "x".repeat(300),
    ])("keeps %j apart from every other user", async (userId) => {
      const odd = login(userId);
      const neighbours = ["a", "b", "\ud801", "%7b", "😁", "__proto", "x".repeat(299)].map((id) => login(id));
      for (const each of [odd, ...neighbours]) await registry.add(each);
      expect((await registry.activeUsers({ offset: 0, limit: 20 })).items.map((user) => user.userId)).toContain(userId);
      await kickUser(registry, userId, newKick());
      expect(await idsOf(userId)).toEqual([]);
      for (const each of neighbours) expect(await idsOf(each.userId)).toEqual([each.id]);
    });
  });

  describe("odd ids of logins", () => {
    it.each(["", "*", "*spared", "=", "1 2 x", "{", "x".repeat(300)])(
      "keeps %j apart from everything else",
      async (id) => {
        const [odd, other] = [login("alice", { id }), login("alice")];
        const generation = await begun(odd);
        await registry.add(other);
        const kick = newKick();
        await kickUser(registry, "alice", kick, { except: id });
        expect(await idsOf("alice")).toEqual([id]);
        const second = newKick();
        await endLogin(registry, "alice", id, { kick: second });
        expect(await registry.kickOf("alice", id, generation)).toEqual(second);
        expect(await registry.kickOf("alice", other.id, generation)).toEqual(kick);
        expect(await adopt(registry, other, { generation, endCount: 0 })).toBeUndefined();
      },
    );
  });

  describe("more than one application", () => {
    it("keeps them apart", async () => {
      const other = kind.open(unique("app"));
      const alice = login("alice");
      await registry.add(alice);
      await kickUser(other, "alice", newKick());
      await other.kickEveryone(newKick());
      await other.clear();
      expect(await idsOf("alice")).toEqual([alice.id]);
    });

    it("refuses to serve two with one registry", () => {
      const bindAgain = () => registry.init({ appId: "another", maxSessionAgeMs: HOUR_MS });
      expect(bindAgain).toThrow(expect.objectContaining({ code: "ERR_REGISTRY_IN_USE" }));
    });
  });

  describe("a subscription", () => {
    let heard: Heard;
    let subscription: Subscription;
    beforeEach(async () => {
      heard = new Heard();
      subscription = registry.subscribe(heard, { checkIntervalMs: 1_000 });
      await heard.until(() => heard.isListening);
    });
    afterEach(() => subscription.close());

    it("notifies of a kick: user, logins and reason", async () => {
      const [phone, desk] = [login("alice"), login("alice")];
      await registry.add(phone);
      await registry.add(desk);
      const kick = newKick('Ünïcode "quoted"');
      await kickUser(registry, "alice", kick);
      await heard.until(() => heard.news.length > 0);
      const [{ loginIds, ...notified } = { loginIds: [] }] = heard.news;
      expect([...loginIds].sort()).toEqual([phone.id, desk.id].sort());
      expect(notified).toEqual({ userId: "alice", kick });
    });

    it("does not notify of a login that a kick has spared", async () => {
      const [here, phone] = [login("alice"), login("alice")];
      await registry.add(here);
      await registry.add(phone);
      const kick = newKick();
      await kickUser(registry, "alice", kick, { except: here.id });
      await heard.until(() => heard.news.length > 0);
      expect(heard.news).toEqual([{ userId: "alice", loginIds: [phone.id], kick }]);
    });

    it("notifies of a kicked login and of one that is logged out", async () => {
      const [phone, desk] = [login("a {b}\ud800"), login("a {b}\ud800")];
      await registry.add(phone);
      await registry.add(desk);
      const kick = newKick("lost");
      await endLogin(registry, phone.userId, phone.id, { kick });
      await endLogin(registry, desk.userId, desk.id);
      await heard.until(() => heard.news.length > 1);
      expect(heard.news).toEqual([
        { userId: phone.userId, loginIds: [phone.id], kick },
        { userId: desk.userId, loginIds: [desk.id], kick: undefined },
      ]);
    });

    it("does not notify of an end whose condition is not met", async () => {
      const alice = login("alice");
      await begun(alice);
      await registry.update("alice", alice.id, { addSid: "second" });
      await endLogin(registry, "alice", alice.id, { ifSid: "another" });
      await endLogin(registry, "alice", alice.id, { ifLastSid: alice.sid });
      await endLogin(registry, "alice", "unknown", { ifListed: true, kick: newKick() });
      await endLogin(registry, "alice", alice.id, { ifLastSid: "second" });
      await heard.until(() => heard.news.length > 0);
      expect(heard.news).toEqual([{ userId: "alice", loginIds: [alice.id], kick: undefined }]);
    });

    it("notifies once of a repeated kick, and not of users without logins", async () => {
      const alice = login("alice");
      await registry.add(alice);
      await kickUser(registry, "offline", newKick());
      await endLogin(registry, "alice", "unknown");
      await kickUser(registry, "alice", newKick());
      await kickUser(registry, "alice", newKick());
      const [again, bob] = [login("alice"), login("bob")];
      await registry.add(again);
      await registry.add(bob);
      await endLogin(registry, "alice", again.id);
      await endLogin(registry, "bob", bob.id);
      // Notifications of two users come from two nodes of a Cluster, in any order.
      const notified = () => heard.news.flatMap(({ loginIds }) => loginIds);
      await heard.until(() => notified().includes(again.id) && notified().includes(bob.id));
      expect(notified().sort()).toEqual([alice.id, again.id, bob.id].sort());
      expect(heard.news.map(({ userId }) => userId).sort()).toEqual(["alice", "alice", "bob"]);
    });

    it("notifies of very many logins in several messages, each login once", async () => {
      const ids = Array.from({ length: 2_100 }, () => login("alice"));
      await Promise.all(ids.map((each) => registry.add(each)));
      await kickUser(registry, "alice", newKick());
      const notified = () => heard.news.flatMap(({ loginIds }) => loginIds);
      await heard.until(() => notified().length >= ids.length);
      expect(notified().sort()).toEqual(ids.map(({ id }) => id).sort());
    });

    it("asks for a lookup when everyone is removed", async () => {
      const looks = heard.looks;
      await registry.clear();
      await heard.until(() => heard.looks > looks);
      expect(heard.isListening).toBe(true);
    });

    it("notifies each of several listeners, and none after it is closed", async () => {
      const [alice, bob] = [login("alice"), login("bob")];
      await registry.add(alice);
      await registry.add(bob);
      const second = new Heard();
      const another = registry.subscribe(second, { checkIntervalMs: 1_000 });
      await second.until(() => second.isListening);
      await kickUser(registry, "alice", newKick());
      await heard.until(() => heard.news.length === 1);
      await second.until(() => second.news.length === 1);
      await another.close();
      await kickUser(registry, "bob", newKick());
      await heard.until(() => heard.news.length === 2);
      expect(second.news.map(({ userId }) => userId)).toEqual(["alice"]);
    });
  });

  describe("clear()", () => {
    it("leaves no unfinished kick", async () => {
      await registry.add(login("alice"));
      expect(await kickUser(registry, "alice", newKick())).toHaveLength(1);
      await registry.add(login("alice"));
      await registry.clear();
      expect(await kickUser(registry, "alice", newKick())).toEqual([]);
    });

    it("removes every login", async () => {
      await registry.add(login("alice"));
      await registry.add(login("bob"));
      await registry.clear();
      expect(await idsOf("alice")).toEqual([]);
      expect((await registry.activeUsers({ offset: 0, limit: 10 })).total).toBe(0);
    });

    it("lets no request in flight resume a login", async () => {
      const alice = login("alice");
      const generation = await begun(alice);
      const { endCount } = await endLogin(registry, "alice", alice.id);
      await registry.clear();
      expect(await adopt(registry, alice, { generation, endCount })).toBeUndefined();
      const next = login("alice");
      const since = { generation: await begun(next), endCount: (await endLogin(registry, "alice", next.id)).endCount };
      expect(await adopt(registry, next, since)).toEqual(expect.any(String));
      expect(await idsOf("alice")).toEqual([next.id]);
    });
  });
});

/** Polls until the result is the expected one, because logins expire by the clock of the server. */
async function eventually(ask: () => Promise<unknown>, expected: unknown): Promise<boolean> {
  for (const end = Date.now() + 10_000; Date.now() < end;) {
    if (JSON.stringify(await ask()) === JSON.stringify(expected)) return true;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return false;
}
