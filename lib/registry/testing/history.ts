import type { AuditEntry } from "../../audit/entry.js";
import type { HistoryLog, HistoryPage, LoginRegistry } from "../../types/registry.js";
import { isTrue, rejects, same } from "./assertions.js";
import { HOUR_MS, newKick, newLogin, unique, type RegistryContext } from "./context.js";
import type { Suite } from "./suite.js";

const LIMITS = { days: 90, maxEntries: 10_000 };
const ALL: HistoryPage = { limit: 1_000 };

const newEntry = (space: string, more: Partial<AuditEntry> = {}): AuditEntry => ({
  id: unique("entry"),
  at: new Date().toISOString(),
  action: "kick",
  outcome: "success",
  appId: space,
  userId: "alice",
  ...more,
});

interface Kept {
  readonly registry: LoginRegistry;
  readonly history: HistoryLog;
  readonly context: RegistryContext;
  /** Lists the entries that match; undefined members left out, as JSON does. */
  readonly listed: (page?: Partial<HistoryPage>) => Promise<AuditEntry[]>;
  readonly ids: (page?: Partial<HistoryPage>) => Promise<string[]>;
}

async function keeping(context: RegistryContext, limits = LIMITS): Promise<Kept | undefined> {
  const registry = await context.another({ history: limits });
  const { history } = registry;
  if (history === undefined) return undefined;
  const listed: Kept["listed"] = async (page) => {
    const { items } = await history.list({ ...ALL, ...page });
    return JSON.parse(JSON.stringify(items)) as AuditEntry[];
  };
  return { registry, history, context, listed, ids: async (page) => (await listed(page)).map(({ id }) => id) };
}

/** Tests of `history`. They pass without a check on a registry that has none. */
export function historyTests(suite: Suite): void {
  const test = (title: string, body: (kept: Kept) => Promise<void>): void => {
    suite.test(title, async (context) => {
      const kept = await keeping(context);
      if (kept !== undefined) await body(kept);
    });
  };
  suite.describe("the history", () => {
    entries(test);
    filters(test);
    ends(test);
    limits(suite);
  });
}

type Test = (title: string, body: (kept: Kept) => Promise<void>) => void;

function entries(test: Test): void {
  test("lists an entry as it was kept", async ({ history, context: { space }, listed }) => {
    const entry = newEntry(space, {
      action: "denied",
      outcome: "failure",
      code: "ERR_REQUEST_INVALID",
      ip: "::1",
      by: 'a"\\b',
    });
    await history.append(entry);
    same(await listed(), [entry]);
  });

  test("lists the newest entry first, page by page, each once", async ({ history, context: { space }, ids }) => {
    const all = Array.from({ length: 25 }, () => newEntry(space));
    for (const entry of all) await history.append(entry);
    const newestFirst = all.map(({ id }) => id).reverse();
    same(await ids(), newestFirst);
    const found: string[] = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const page = await history.list({ limit: 10, cursor });
      found.push(...page.items.map(({ id }) => id));
      cursor = page.cursor;
      pages += 1;
    } while (cursor !== undefined);
    same([found, pages], [newestFirst, 3]);
  });

  test("lists an entry once that was kept twice", async ({ history, context: { space }, ids }) => {
    const entry = newEntry(space);
    await history.append(entry);
    await history.append(entry);
    same(await ids(), [entry.id]);
    const others = [{ outcome: "failure" }, { action: "limit" }, { userId: "bob" }, { userId: undefined }] as const;
    for (const other of others) await history.append({ ...entry, ...other });
    same((await ids()).length, 1 + others.length);
  });

  test("refuses an invalid cursor", async ({ history }) => {
    await rejects(() => history.list({ limit: 10, cursor: "x'; --" }), "ERR_ARGUMENT_INVALID");
  });

  test("belongs to one application", async ({ history, context }) => {
    await history.append(newEntry(context.space));
    const other = await context.another({ space: `${context.space}-2`, history: LIMITS });
    same((await other.history?.list(ALL))?.items, []);
  });
}

function filters(test: Test): void {
  test("lists the entries about a user, by someone, or before a time", async ({ history, context: { space }, ids }) => {
    const at = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();
    const older = newEntry(space, { at: at(9), by: "ops" });
    const newer = newEntry(space, { at: at(1), by: "ops", userId: "bob" });
    const everyone = newEntry(space, { action: "kick-everyone", userId: undefined, by: "cron" });
    for (const entry of [older, newer, everyone]) await history.append(entry);
    same(await ids({ userId: "alice" }), [older.id]);
    same(await ids({ userId: "al" }), []);
    same(await ids({ by: "ops" }), [newer.id, older.id]);
    same(await ids({ by: "ops", userId: "bob" }), [newer.id]);
    same(await ids({ before: new Date(Date.now() - 5 * 60_000) }), [older.id]);
    same(await ids({ before: new Date(newer.at) }), [older.id]);
  });

  test("reads on until it has as many as are wanted", async ({ history, context: { space }, ids }) => {
    const wanted = newEntry(space, { by: "ops" });
    await history.append(wanted);
    for (let i = 0; i < 30; i += 1) await history.append(newEntry(space, { by: "cron" }));
    same(await ids({ by: "ops", limit: 2 }), [wanted.id]);
  });
}

/** What `end`, `add` and `update` keep themselves. */
function ends(test: Test): void {
  const itself: Test = (title, body) => {
    test(title, async (kept) => {
      if (kept.history.keepsEnds === true) await body(kept);
    });
  };

  itself("has what a kick of a user has ended, once", async ({ registry, listed }) => {
    const [first, second] = [newLogin("alice"), newLogin("alice")];
    await registry.add(first);
    await registry.add(second);
    const kick = newKick({ reason: "a\nb", at: new Date() });
    await registry.end("alice", { kick });
    // The logins are returned again, until the kick is finished.
    await registry.end("alice", { kick: newKick() });
    const [entry, ...others] = await listed();
    same(others, []);
    same([entry?.id, entry?.action, entry?.outcome, entry?.userId], [kick.id, "kick", "success", "alice"]);
    same([entry?.at, entry?.by, entry?.reason, entry?.logins], [kick.at.toISOString(), "ops", "a b", 2]);
    same([...(entry?.loginIds ?? [])].sort(), [first.id, second.id].sort());
  });

  itself("has one entry for what a kick ends of a user in several steps", async ({ registry, listed }) => {
    const logins = [newLogin("alice"), newLogin("alice"), newLogin("alice")];
    for (const login of logins) await registry.add(login);
    const kick = newKick({ at: new Date() });
    for (const { id } of logins.slice(1)) await registry.end("alice", { loginId: id, kick });
    await registry.end("alice", { loginId: unique("none"), kick });
    same(
      (await listed()).map(({ id, logins: count, loginIds }) => [id, count, [...(loginIds ?? [])].sort()]),
      [
        [
          kick.id,
          2,
          logins
            .slice(1)
            .map(({ id }) => id)
            .sort(),
        ],
      ],
    );
  });

  itself(
    "has nothing for a logout, for a spared login, and for a user of a kick of everyone",
    async ({ registry, ids }) => {
      const [out, spared, bobs] = [newLogin("alice"), newLogin("alice"), newLogin("bob")];
      for (const login of [out, spared, bobs]) await registry.add(login);
      await registry.end("alice", { loginId: out.id });
      await registry.end("alice", { kick: newKick(), except: [spared.id] });
      const kick = newKick();
      await registry.kickEveryone(kick);
      await registry.end("bob", { kick });
      same(await ids(), []);
    },
  );

  itself("has what a limit has ended", async ({ registry, listed }) => {
    if (registry.supports?.limit !== true) return;
    const [first, second, third] = [newLogin("alice"), newLogin("alice"), newLogin("alice")];
    const limit = () =>
      ({ count: 1, whenFull: "end", record: newKick({ cause: "limit", by: undefined, at: new Date() }) }) as const;
    await registry.add(first);
    await registry.add(second, { limit: limit() });
    await registry.add(third, { limit: limit(), since: { generation: "", endCount: 0 } });
    const kept = (await listed()).map(({ action, loginIds, logins }) => [action, loginIds, logins]);
    same(kept, [
      ["limit", [second.id], 1],
      ["limit", [first.id], 1],
    ]);
  });
}

function limits(suite: Suite): void {
  suite.test("lists nothing older than `days`", async (context) => {
    const kept = await keeping(context, { days: 1, maxEntries: 10 });
    if (kept === undefined) return;
    const at = new Date(Date.now() - 25 * HOUR_MS).toISOString();
    const [old, recent] = [newEntry(context.space, { at }), newEntry(context.space)];
    await kept.history.append(old);
    await kept.history.append(recent);
    same(await kept.ids(), [recent.id]);
  });

  suite.test("keeps nothing while it is off", async (context) => {
    const { registry } = context;
    await registry.add(newLogin("alice"));
    await registry.end("alice", { kick: newKick() });
    const items = (await registry.history?.list(ALL))?.items ?? [];
    isTrue(items.length === 0, "an entry is kept although the history is off");
  });
}
