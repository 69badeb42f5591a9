import type { KickRecord } from "../../types/login.js";
import type { ListedLogin } from "../../types/registry.js";
import { eventually, isTrue, matches, same } from "./assertions.js";
import { ALL, FIRST_TIME, HOUR_MS, idsOf, newLogin, type RegistryContext } from "./context.js";
import type { Suite } from "./suite.js";

/** Two clocks, and the time that a call takes. */
const TOLERANCE_MS = 10_000;
const hoursAgo = (hours: number): Date => new Date(Date.now() - hours * HOUR_MS);

/** A login of alice whose absolute lifetime was over an hour ago. */
const overdue = () => newLogin("alice", { began: hoursAgo(3), lastsMs: 2 * HOUR_MS });

function isAbout(actual: Date | undefined, expected: number, what: string): void {
  isTrue(Math.abs(Number(actual) - expected) < TOLERANCE_MS, `${what} is not as expected`);
}

/** Tests of `supports.lifetime`. They pass without a check on a registry that does not support it. */
export function lifetimeTests(suite: Suite): void {
  const test: Suite["test"] = (title, body) => {
    suite.test(title, async (context) => {
      if (context.registry.supports?.lifetime === true) await body(context);
    });
  };
  suite.describe("a lifetime of logins", () => {
    expiry(test);
    restart(test);
    ends(test);
  });
}

function expiry(test: Suite["test"]): void {
  test("that is absolute ends a login, however active it is", async ({ registry, begin }) => {
    const alice = newLogin("alice", { ttlMs: 5 * HOUR_MS, began: hoursAgo(1), lastsMs: 2 * HOUR_MS });
    await begin(alice);
    const check = async (): Promise<void> => {
      const found = await registry.find("alice", alice.id);
      same(Number(found?.expires), Number(alice.began) + 2 * HOUR_MS);
      same(Number(found?.shownUntil), Number(alice.began) + 2 * HOUR_MS);
    };
    await check();
    same(await registry.update("alice", alice.id, { ttlMs: 9 * HOUR_MS }), true);
    await check();
    matches(await registry.add(alice, { since: FIRST_TIME }), { outcome: "listed" });
    await check();
    same(idsOf((await registry.list("alice", ALL)).items), [alice.id]);
  });

  test("that is idle ends a login without activity", async ({ registry, begin }) => {
    const alice = newLogin("alice", { ttlMs: 5 * HOUR_MS, idleMs: HOUR_MS });
    await begin(alice);
    const check = async (): Promise<ListedLogin | undefined> => {
      const found = await registry.find("alice", alice.id);
      isAbout(found?.expires, Number(found?.lastActive) + HOUR_MS, "expires");
      isAbout(found?.shownUntil, Number(found?.lastActive) + HOUR_MS, "shownUntil");
      return found;
    };
    const before = await check();
    await eventually(async () => {
      await registry.update("alice", alice.id, { ttlMs: 5 * HOUR_MS });
      return Number((await check())?.expires) > Number(before?.expires);
    }, true);
  });

  test("that is longer than the session changes nothing", async ({ registry, begin }) => {
    const alice = newLogin("alice", { ttlMs: HOUR_MS, lastsMs: 9 * HOUR_MS, idleMs: 8 * HOUR_MS });
    await begin(alice);
    const found = await registry.find("alice", alice.id);
    same(Number(found?.expires) - Number(found?.began), HOUR_MS);
    await registry.update("alice", alice.id, { ttlMs: 2 * HOUR_MS });
    isAbout((await registry.find("alice", alice.id))?.expires, Date.now() + 2 * HOUR_MS, "expires");
  });
}

function restart(test: Suite["test"]): void {
  test("is restarted by an update, longer or shorter", async ({ registry, begin }) => {
    const began = hoursAgo(2);
    const alice = newLogin("alice", { ttlMs: 20 * HOUR_MS, began, lastsMs: 3 * HOUR_MS });
    await begin(alice);
    for (const hours of [5, 1]) {
      same(await registry.update("alice", alice.id, { ttlMs: 20 * HOUR_MS, lastsMs: hours * HOUR_MS }), true);
      const found = await registry.find("alice", alice.id);
      same(found?.began, began);
      isAbout(found?.expires, Date.now() + hours * HOUR_MS, "expires");
      isAbout(found?.shownUntil, Date.now() + hours * HOUR_MS, "shownUntil");
    }
  });

  test("that is over cannot be restarted", async ({ registry, begin }) => {
    const alice = overdue();
    await begin(alice);
    same(await registry.update("alice", alice.id, { ttlMs: HOUR_MS, lastsMs: HOUR_MS }), false);
    same(await registry.find("alice", alice.id), undefined);
  });
}

function ends(test: Suite["test"]): void {
  const isOver = async ({ registry, online, idsOf: listed }: RegistryContext, id: string): Promise<void> => {
    await eventually(() => registry.find("alice", id), undefined);
    same(await registry.update("alice", id, {}), false);
    same(await registry.update("alice", id, { ttlMs: HOUR_MS, addSid: "new" }), false);
    same(await listed("alice"), []);
    await eventually(() => online(), [0]);
  };

  test("ends by itself: the absolute one", async (context) => {
    const alice = newLogin("alice", { lastsMs: 1 });
    await context.begin(alice);
    await isOver(context, alice.id);
  });

  test("ends by itself: the idle one", async (context) => {
    const alice = newLogin("alice", { idleMs: 1, lastsMs: HOUR_MS });
    await context.begin(alice);
    await isOver(context, alice.id);
  });

  test("that is over is the reason, with the time of the end", async ({ registry, begin }) => {
    const alice = overdue();
    const generation = await begin(alice);
    const record: KickRecord | undefined = await registry.kickOf("alice", alice.id, generation);
    matches(record, { cause: "lifetime", reason: undefined, by: undefined });
    same(Number(record?.at), Number(alice.began) + 2 * HOUR_MS);
    const live = newLogin("alice", { lastsMs: HOUR_MS, idleMs: HOUR_MS });
    await begin(live);
    same(await registry.kickOf("alice", live.id, generation), undefined);
  });

  test("that is over is not begun again by an adoption", async ({ registry, begin, idsOf: listed }) => {
    const alice = overdue();
    const generation = await begin(alice);
    same(await registry.add({ ...alice, began: undefined }, { since: { generation, endCount: 0 } }), {
      outcome: "ended",
    });
    same(await listed("alice"), []);
  });

  test("that is over is no login for a kick, nor for a logout", async ({ registry, begin, kick, endLogin }) => {
    const [alice, other] = [overdue(), overdue()];
    for (const each of [alice, other]) await begin(each);
    same((await endLogin(other)).login, undefined);
    same(await kick("alice"), []);
    same(await registry.find("alice", alice.id), undefined);
  });

  test("that is over does not count for a limit", async ({ registry, begin }) => {
    if (registry.supports?.limit !== true) return;
    const live = newLogin("alice");
    await begin(live);
    await begin(overdue());
    const record = { id: "a limit", at: new Date(), cause: "limit" as const };
    const limit = { count: 2, whenFull: "end" as const, record };
    matches(await registry.add(newLogin("alice"), { limit }), { outcome: "listed", ended: [] });
  });
}
