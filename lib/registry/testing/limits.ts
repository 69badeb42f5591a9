import type { AddOptions, AddResult, ListedLogin, LoginLimit, NewLogin } from "../../types/registry.js";
import { isTrue, matches, pause, same } from "./assertions.js";
import {
  FIRST_TIME,
  HOUR_MS,
  idsOf,
  MINUTE_MS,
  newKick,
  newLogin,
  unique,
  until,
  type RegistryContext,
} from "./context.js";
import type { Suite } from "./suite.js";

const AT_ONCE = 21;
const MOST = 3;

const limitTo = (count: number, more: Partial<LoginLimit> = {}): LoginLimit => ({
  count,
  whenFull: "end",
  record: newKick({ cause: "limit", by: undefined }),
  ...more,
});

/** Lists a login later than the one before, by the registry's clock. */
async function addLater({ registry }: RegistryContext, login: NewLogin, options?: AddOptions): Promise<AddResult> {
  await pause(3);
  return registry.add(login, options);
}

async function beginInTurn(context: RegistryContext, ...logins: readonly NewLogin[]): Promise<void> {
  for (const each of logins) matches(await addLater(context, each), { outcome: "listed" });
}

const endedIds = (added: AddResult): string[] => (added.outcome === "listed" ? idsOf(added.ended) : [added.outcome]);

/** Tests of `supports.limit`. They pass without a check on a registry that does not support it. */
export function limitTests(suite: Suite): void {
  const test: Suite["test"] = (title, body) => {
    suite.test(title, async (context) => {
      if (context.registry.supports?.limit === true) await body(context);
    });
  };
  suite.describe("a limit of logins", () => {
    order(test);
    sessions(test);
    endedByLimit(test);
    refusals(test);
    simultaneous(test);
  });
}

function order(test: Suite["test"]): void {
  test("ends the least recently active logins", async (context) => {
    const { registry, idsOf: listed } = context;
    const [old, active, middle] = [newLogin("alice"), newLogin("alice"), newLogin("alice")];
    await beginInTurn(context, active, old, middle);
    await pause(3);
    await registry.update("alice", active.id, { ttlMs: HOUR_MS });
    const [bob, fresh] = [newLogin("bob"), newLogin("alice")];
    await beginInTurn(context, bob);
    same(endedIds(await addLater(context, fresh, { limit: limitTo(3) })), [old.id]);
    const last = newLogin("alice");
    const ended = endedIds(await addLater(context, last, { limit: limitTo(2) }));
    same(ended.sort(), [middle.id, active.id].sort());
    same(await listed("alice"), [fresh.id, last.id].sort());
    same(await listed("bob"), [bob.id]);
  });

  test("ends, of logins that were active at the same time, the earliest begun, then by id", async (context) => {
    const { registry, idsOf: listed } = context;
    const now = Date.now();
    const logins = Array.from({ length: 12 }, (_each, number) =>
      newLogin("alice", { began: new Date(now - (number % 3) * HOUR_MS) }),
    );
    await Promise.all(logins.map((each) => registry.add(each)));
    const found = await Promise.all(logins.map(({ id }) => registry.find("alice", id)));
    const keyOf = (login: ListedLogin | undefined): string =>
      [Number(login?.lastActive), String(Number(login?.began)).padStart(15, "0"), login?.id].join(" ");
    const expected = found.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)).map((login) => login?.id);
    const fresh = newLogin("alice");
    same(endedIds(await addLater(context, fresh, { limit: limitTo(5) })).sort(), expected.slice(0, 8).sort());
    same(await listed("alice"), [...expected.slice(8), fresh.id].sort());
  });

  test("ends nothing while there are no more, nor without a limit", async (context) => {
    const logins = [newLogin("alice"), newLogin("alice"), newLogin("alice")];
    for (const each of logins) same(endedIds(await context.registry.add(each, { limit: limitTo(3) })), []);
    same(endedIds(await context.registry.add(newLogin("alice"))), []);
  });

  test("does not count expired logins", async (context) => {
    const [short, long] = [newLogin("alice", { ttlMs: 1 }), newLogin("alice")];
    await beginInTurn(context, long, short);
    same(endedIds(await addLater(context, newLogin("alice"), { limit: limitTo(2) })), []);
  });

  test("counts an adopted login, and ends others for it", async (context) => {
    const { registry, idsOf: listed } = context;
    const [one, two, adopted] = [newLogin("alice"), newLogin("alice"), newLogin("alice")];
    await beginInTurn(context, one, two);
    const options = { since: FIRST_TIME, limit: limitTo(2) };
    same(endedIds(await addLater(context, adopted, options)), [one.id]);
    same(endedIds(await addLater(context, adopted, options)), []);
    same(endedIds(await addLater(context, newLogin("alice"), { limit: limitTo(2) })), [two.id]);
    same(await registry.add(one, options), { outcome: "ended" });
    isTrue((await listed("alice")).includes(adopted.id), "the adopted login was less recently active");
  });
}

function sessions(test: Suite["test"]): void {
  test("counts logins that share a session id as one, as young as the youngest", async (context) => {
    const { idsOf: listed } = context;
    const [first, other, second] = [newLogin("alice"), newLogin("alice"), newLogin("alice")];
    await beginInTurn(context, first, other, { ...second, sid: first.sid });
    const fresh = newLogin("alice");
    same(endedIds(await addLater(context, fresh, { limit: limitTo(3) })), []);
    const last = newLogin("alice");
    same(endedIds(await addLater(context, last, { limit: limitTo(3) })), [other.id]);
    same(await listed("alice"), [first.id, second.id, fresh.id, last.id].sort());
    const ended = endedIds(await addLater(context, newLogin("alice"), { limit: limitTo(3) }));
    same(ended.sort(), [first.id, second.id].sort());
  });

  test("never ends a login that shares the session id of the new one", async (context) => {
    const [first, other] = [newLogin("alice"), newLogin("alice")];
    await beginInTurn(context, first, other);
    const again = newLogin("alice", { sid: first.sid });
    same(endedIds(await addLater(context, again, { limit: limitTo(1) })), [other.id]);
    same(await context.idsOf("alice"), [first.id, again.id].sort());
  });

  test("counts a login whose session id is being changed, without one", async (context) => {
    const { registry } = context;
    const [rotating, other, fresh] = [newLogin("alice"), newLogin("alice"), newLogin("alice")];
    await beginInTurn(context, rotating, other);
    await registry.update("alice", rotating.id, { removeSid: rotating.sid });
    same(endedIds(await addLater(context, fresh, { limit: limitTo(2) })), [rotating.id]);
    same(await registry.update("alice", rotating.id, { addSid: "new", limit: limitTo(2) }), false);
  });

  test("holds for a new session id too, never for the login that gets it", async (context) => {
    const { registry, idsOf: listed } = context;
    const [one, two] = [newLogin("alice"), newLogin("alice")];
    await beginInTurn(context, one, { ...two, sid: one.sid });
    await registry.update("alice", one.id, { removeSid: one.sid });
    const limit = limitTo(1);
    const updated = await registry.update("alice", one.id, { addSid: "new", ttlMs: HOUR_MS, limit });
    same(Array.isArray(updated) ? idsOf(updated as ListedLogin[]) : updated, [two.id]);
    same(await registry.kickOf("alice", two.id, ""), limit.record);
    same(await listed("alice"), [one.id]);
    same(await registry.update("alice", one.id, { addSid: "new", limit: limitTo(1) }), true);
  });

  test("holds for a new session id even if new logins are refused", async (context) => {
    const { registry } = context;
    const [one, two] = [newLogin("alice"), newLogin("alice")];
    await beginInTurn(context, one, two);
    const limit = limitTo(1, { whenFull: "refuse" });
    const updated = await registry.update("alice", one.id, { addSid: "new", limit });
    same(Array.isArray(updated) ? idsOf(updated as ListedLogin[]) : updated, [two.id]);
  });
}

function endedByLimit(test: Suite["test"]): void {
  test("returns the ended logins, and notifies of them with the record", async (context) => {
    const { recorder } = await context.listen();
    const phone = newLogin("alice", { ip: "203.0.113.9" });
    await beginInTurn(context, phone);
    const limit = limitTo(1, { record: newKick({ cause: "limit", reason: 'on "another" device' }) });
    const { id, userId, sid, ip } = phone;
    const added = await addLater(context, newLogin("alice"), { limit });
    matches(added, { outcome: "listed", ended: [{ id, userId, sids: [sid], ip }] });
    await until(() => recorder.notifications.length > 0, "the limit is not notified");
    same(recorder.notifications, [{ userId, loginIds: [id], kick: limit.record }]);
    same(await context.registry.find(userId, id), undefined);
  });

  test("keeps the ended logins until finishKick, as a kick does", async ({ registry, ...context }) => {
    const phone = newLogin("alice");
    await context.begin(phone);
    await registry.add(newLogin("alice"), { limit: limitTo(1) });
    same(idsOf(await context.kick("alice")).includes(phone.id), true);
    await registry.finishKick("alice", [phone.id]);
    same(idsOf(await context.kick("alice")).includes(phone.id), false);
  });

  test("is remembered for an ended login, and for no other", async ({ registry, begin, adopt }) => {
    const [phone, desk] = [newLogin("alice"), newLogin("alice")];
    const generation = await begin(phone);
    const limit = limitTo(1);
    await registry.add(desk, { limit });
    same(await registry.kickOf("alice", phone.id, generation), limit.record);
    same(await registry.kickOf("alice", desk.id, generation), undefined);
    same(await adopt(phone, { generation, endCount: 0 }), undefined);
    same(await registry.add(phone), { outcome: "ended" });
  });

  test("is remembered only until the ended login would have expired", async ({ registry, begin, adopt }) => {
    const phone = newLogin("alice", { ttlMs: 200 });
    await begin(phone);
    const desk = newLogin("alice", { ttlMs: 400 });
    await registry.add(desk, { limit: limitTo(1) });
    await pause(500);
    await begin(newLogin("alice"));
    isTrue((await adopt(phone)) !== undefined, "the end is still remembered");
  });
}

function refusals(test: Suite["test"]): void {
  const refuse = (count: number): LoginLimit => limitTo(count, { whenFull: "refuse" });

  test("that refuses lists nothing, and ends nothing", async (context) => {
    const { registry, idsOf: listed } = context;
    const { recorder } = await context.listen();
    const [phone, desk] = [newLogin("alice"), newLogin("alice")];
    matches(await registry.add(phone, { limit: refuse(1) }), { outcome: "listed", ended: [] });
    same(await registry.add(desk, { limit: refuse(1) }), { outcome: "full" });
    same(await registry.add(desk, { limit: refuse(1), since: FIRST_TIME }), { outcome: "full" });
    same(await registry.find("alice", desk.id), undefined);
    same(await listed("alice"), [phone.id]);
    await context.endLogin(phone);
    await until(() => recorder.notifications.length > 0, "the end is not notified");
    same(recorder.loginIds, [phone.id]);
    matches(await registry.add(desk, { limit: refuse(1) }), { outcome: "listed" });
  });

  test("that refuses passes a login that is listed, and one in the same session", async ({ registry }) => {
    const phone = newLogin("alice");
    await registry.add(phone, { limit: refuse(1) });
    matches(await registry.add(phone, { limit: refuse(1) }), { outcome: "listed", ended: [] });
    matches(await registry.add(phone, { limit: refuse(1), since: FIRST_TIME }), { outcome: "listed", ended: [] });
    const again = newLogin("alice", { sid: phone.sid });
    matches(await registry.add(again, { limit: refuse(1) }), { outcome: "listed", ended: [] });
  });
}

function simultaneous(test: Suite["test"]): void {
  for (const whenFull of ["end", "refuse"] as const) {
    test(`(${whenFull}) holds for simultaneous logins of several processes, at every moment`, async (context) => {
      const registries = [context.registry, await context.another(), await context.another()];
      const watcher = await context.another();
      const logins = Array.from({ length: AT_ONCE }, () =>
        newLogin("alice", { id: unique("login"), ttlMs: MINUTE_MS }),
      );
      const progress = { isDone: false };
      const adding = Promise.all(
        logins.map(async (login, index) => {
          const registry = registries[index % registries.length] ?? context.registry;
          return registry.add(login, { limit: limitTo(MOST, { whenFull }) });
        }),
      ).finally(() => {
        progress.isDone = true;
      });
      let most = 0;
      do {
        most = Math.max(most, (await watcher.list("alice", { offset: 0, limit: AT_ONCE })).items.length);
        // A registry may answer without leaving the turn of the event loop.
        await pause(0);
      } while (!progress.isDone);
      const added = await adding;
      const count = (outcome: string): number => added.filter((each) => each.outcome === outcome).length;
      const ended = new Set(added.flatMap(endedIds).filter((id) => id !== "full"));
      isTrue(most <= MOST, `${String(most)} logins were listed at a time`);
      same((await context.idsOf("alice")).length, MOST);
      same([count("listed") - ended.size, count("full") + ended.size], [MOST, AT_ONCE - MOST]);
    });
  }
}
