import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it } from "@jest/globals";
import { MemoryLoginRegistry } from "../../lib/index.js";
import { MemoryKeys } from "../../lib/registry/memory-keys.js";
import type { KeyRow, KickRecord, LoginRegistry } from "../../lib/registry/index.js";
import { testRegistry } from "../../lib/registry/testing/index.js";

type Check = () => unknown;
type Rows = AsyncIterable<readonly KeyRow[]>;

async function all(rows: Rows): Promise<KeyRow[]> {
  const found: KeyRow[] = [];
  for await (const some of rows) found.push(...some);
  return found;
}

const rowOf = (keys: MemoryKeys, key: string, { userId, loginId }: KeyRow): Promise<KeyRow | undefined> =>
  all(keys.rows(key)).then((rows) => rows.find((row) => row.userId === userId && row.loginId === loginId));

/** Drops a row, whatever its time. */
const forget = (keys: MemoryKeys, key: string, row: KeyRow): Promise<void> =>
  MemoryKeys.prototype.drop.call(keys, key, [{ ...row, since: Infinity }]);

/** The record of a mark, without a row. */
async function peek(keys: MemoryKeys, key: string, since: number | undefined): Promise<KickRecord | undefined> {
  const probe = { userId: "probe", loginId: "probe", since };
  const record = await MemoryKeys.prototype.bind.call(keys, key, probe, 60_000);
  await forget(keys, key, probe);
  return record;
}

/** Indexes with one mistake each. */
const BROKEN: Readonly<Record<string, new (check: Check) => MemoryKeys>> = {
  "a bind writes no row": class extends MemoryKeys {
    override bind(key: string, { since }: KeyRow) {
      return peek(this, key, since);
    }
  },
  "a bind that a mark refuses writes no row": class extends MemoryKeys {
    override async bind(key: string, row: KeyRow, ttlMs: number) {
      const record = await super.bind(key, row, ttlMs);
      if (record !== undefined) await forget(this, key, row);
      return record;
    }
  },
  "the last time counts, not the latest": class extends MemoryKeys {
    override async bind(key: string, row: KeyRow, ttlMs: number) {
      await forget(this, key, row);
      return super.bind(key, row, ttlMs);
    }
  },
  "the first time counts, not the latest": class extends MemoryKeys {
    override async bind(key: string, row: KeyRow, ttlMs: number) {
      const kept = await rowOf(this, key, row);
      if (kept === undefined) return super.bind(key, row, ttlMs);
      const record = await peek(this, key, row.since);
      await super.bind(key, kept, ttlMs);
      return record;
    }
  },
  "a bind reads the mark before it writes the row": class extends MemoryKeys {
    override async bind(key: string, row: KeyRow, ttlMs: number) {
      const record = await peek(this, key, row.since);
      await nextTurn();
      await super.bind(key, row, ttlMs);
      return record;
    }
  },
  "no mark applies": class extends MemoryKeys {
    override async bind(key: string, row: KeyRow, ttlMs: number) {
      await super.bind(key, row, ttlMs);
      return undefined;
    }
  },
  "a mark with the same time does not apply": class extends MemoryKeys {
    override async bind(key: string, row: KeyRow, ttlMs: number) {
      await super.bind(key, row, ttlMs);
      return peek(this, key, row.since === undefined ? undefined : row.since * (1 + 1e-9) + 1e-9);
    }
  },
  "a mark applies to a login without a time": class extends MemoryKeys {
    override async bind(key: string, row: KeyRow, ttlMs: number) {
      await super.bind(key, row, ttlMs);
      return peek(this, key, row.since ?? 0);
    }
  },
  "times are whole seconds": class extends MemoryKeys {
    override async bind(key: string, row: KeyRow, ttlMs: number) {
      return super.bind(key, { ...row, since: row.since && Math.floor(row.since) }, ttlMs);
    }
  },
  "times of a row are compared as text": class extends MemoryKeys {
    override async bind(key: string, row: KeyRow, ttlMs: number) {
      const kept = await rowOf(this, key, row);
      if (kept !== undefined && String(row.since ?? "") > String(kept.since ?? "")) await forget(this, key, row);
      return super.bind(key, row, ttlMs);
    }
  },
  "a bind does not extend a row": class extends MemoryKeys {
    override async bind(key: string, row: KeyRow, ttlMs: number) {
      const isKept = (await rowOf(this, key, row)) !== undefined;
      return super.bind(key, row, isKept ? 0 : ttlMs);
    }
  },
  "a bind shortens a row": class extends MemoryKeys {
    override async bind(key: string, row: KeyRow, ttlMs: number) {
      const kept = await rowOf(this, key, row);
      await forget(this, key, row);
      if (kept !== undefined) await super.bind(key, kept, ttlMs);
      return super.bind(key, row, ttlMs);
    }
  },
  "rows never expire": class extends MemoryKeys {
    override bind(key: string, row: KeyRow) {
      return super.bind(key, row, Infinity);
    }
  },
  "the last mark counts, not the greatest": class extends MemoryKeys {
    readonly #last = new Map<string, [KickRecord, number]>();
    override mark(key: string, record: KickRecord, before = 0) {
      this.#last.set(key, [record, before]);
      return super.mark(key, record, Infinity);
    }
    override async bind(key: string, row: KeyRow, ttlMs: number) {
      await super.bind(key, row, ttlMs);
      const [record, before] = this.#last.get(key) ?? [];
      return row.since !== undefined && row.since <= (before ?? -1) ? record : undefined;
    }
  },
  "the last record counts, not that of the greatest mark": class extends MemoryKeys {
    readonly #last = new Map<string, KickRecord>();
    override mark(key: string, record: KickRecord, before = 0) {
      this.#last.set(key, record);
      return super.mark(key, record, before);
    }
    override async bind(key: string, row: KeyRow, ttlMs: number) {
      return (await super.bind(key, row, ttlMs)) && this.#last.get(key);
    }
  },
  "of two equal marks the first counts": class extends MemoryKeys {
    override async mark(key: string, record: KickRecord, before = 0) {
      if ((await peek(this, key, before)) === undefined) await super.mark(key, record, before);
    }
  },
  "a mark without a time applies to none": class extends MemoryKeys {
    override mark(key: string, record: KickRecord, before = -1) {
      return super.mark(key, record, before);
    }
  },
  "a mark without a time applies to all": class extends MemoryKeys {
    override mark(key: string, record: KickRecord, before = Infinity) {
      return super.mark(key, record, before);
    }
  },
  "a mark forgets who kicked": class extends MemoryKeys {
    override mark(key: string, { by: _by, ...record }: KickRecord, before?: number) {
      return super.mark(key, record, before);
    }
  },
  "a mark drops the rows that it applies to": class extends MemoryKeys {
    override async mark(key: string, record: KickRecord, before = 0) {
      await super.mark(key, record, before);
      await super.drop(
        key,
        (await all(this.rows(key))).map((row) => ({ ...row, since: before })),
      );
    }
  },
  "many rows are read as far as one step goes": class extends MemoryKeys {
    override async *rows(key: string): Rows {
      yield (await all(super.rows(key))).slice(0, 1_000);
    }
  },
  "a row is returned twice": class extends MemoryKeys {
    override async *rows(key: string): Rows {
      const rows = await all(super.rows(key));
      yield rows;
      if (rows.length > 1_000) yield rows.slice(-1);
    }
  },
  "a drop does not look at the time": class extends MemoryKeys {
    override async drop(key: string, rows: readonly KeyRow[]) {
      for (const row of rows) await forget(this, key, row);
    }
  },
  "a drop without a time takes a row that has one": class extends MemoryKeys {
    override drop(key: string, rows: readonly KeyRow[]) {
      return super.drop(
        key,
        rows.map(({ since = 0, ...row }) => ({ ...row, since })),
      );
    }
  },
  "a drop leaves a row without a time": class extends MemoryKeys {
    override async drop(key: string, rows: readonly KeyRow[]) {
      for (const row of rows) if ((await rowOf(this, key, row))?.since !== undefined) await super.drop(key, [row]);
    }
  },
  "a drop takes the rows of another user with this login id": class extends MemoryKeys {
    override async drop(key: string, rows: readonly KeyRow[]) {
      const ids = new Set(rows.map(({ loginId }) => loginId));
      await super.drop(
        key,
        (await all(this.rows(key))).filter(({ loginId }) => ids.has(loginId)),
      );
    }
  },
  "a drop forgets the mark": class extends MemoryKeys {
    override async drop(key: string, rows: readonly KeyRow[]) {
      await super.drop(key, rows);
      if (rows.length > 0) await super.mark(key, { id: "none", at: new Date(), cause: "kick" }, -1);
      if (rows.length > 0) this.isForgotten = true;
    }
    isForgotten = false;
    override async bind(key: string, row: KeyRow, ttlMs: number) {
      const record = await super.bind(key, row, ttlMs);
      return this.isForgotten ? undefined : record;
    }
  },
  "ids are joined": class extends MemoryKeys {
    override bind(key: string, { userId, loginId, since }: KeyRow, ttlMs: number) {
      const [first = "", ...rest] = `${userId} ${loginId}`.split(" ");
      return super.bind(key, { userId: first, loginId: rest.join(" "), since }, ttlMs);
    }
  },
  "ids lose what UTF-8 cannot hold": class extends MemoryKeys {
    override bind(key: string, row: KeyRow, ttlMs: number) {
      return super.bind(key, { ...row, userId: row.userId.toWellFormed() }, ttlMs);
    }
  },
  "clear() forgets the marks": class extends MemoryKeys {
    #isCleared = false;
    override clear() {
      super.clear();
      this.#isCleared = true;
    }
    override async bind(key: string, row: KeyRow, ttlMs: number) {
      const record = await super.bind(key, row, ttlMs);
      return this.#isCleared ? undefined : record;
    }
  },
};

/** Returns the title of the first test of external keys that fails; `undefined`: none does. */
async function firstFailure(create: (space: string) => LoginRegistry): Promise<string | undefined> {
  const tests: { readonly title: string; readonly body: () => Promise<void> }[] = [];
  const topics: string[] = [];
  testRegistry(
    "registry",
    { create },
    {
      describe: (topic, body) => {
        topics.push(topic);
        body();
        topics.pop();
      },
      it: (title, body) => {
        if (topics.at(-1)?.startsWith("external keys") === true) tests.push({ title, body });
      },
    },
  );
  expect(tests.length).toBeGreaterThan(40);
  for (const { title, body } of tests) {
    const failed = await body().then(
      () => false,
      () => true,
    );
    if (failed) return title;
  }
  return undefined;
}

/** Creates registries whose external keys are of this class; one for each application. */
function creating(Keys: typeof MemoryKeys | (new (check: Check) => MemoryKeys)): (space: string) => LoginRegistry {
  const registries = new Map<string, LoginRegistry>();
  return (space) => {
    const registry = registries.get(space) ?? withKeys(new MemoryLoginRegistry(), new Keys(() => undefined));
    registries.set(space, registry);
    return registry;
  };
}

function withKeys(registry: MemoryLoginRegistry, keys: MemoryKeys): LoginRegistry {
  const clear = registry.clear.bind(registry);
  return Object.assign(registry, {
    keys,
    clear: async () => {
      await clear();
      keys.clear();
    },
  });
}

describe("the contract of external keys", () => {
  it("holds for the registry in memory", async () => {
    expect(await firstFailure(creating(MemoryKeys))).toBeUndefined();
  }, 60_000);

  it.each(Object.entries(BROKEN))(
    "is broken, and the suite says so: %s",
    async (_mistake, Keys) => {
      expect(await firstFailure(creating(Keys))).toEqual(expect.any(String));
    },
    60_000,
  );

  it("is broken, and the suite says so: all applications share their keys", async () => {
    const keys = new MemoryKeys(() => undefined);
    const registries = new Map<string, LoginRegistry>();
    const create = (space: string): LoginRegistry => {
      const registry = registries.get(space) ?? withKeys(new MemoryLoginRegistry(), keys);
      registries.set(space, registry);
      return registry;
    };
    expect(await firstFailure(create)).toBe("two applications have nothing in common");
  });
});
