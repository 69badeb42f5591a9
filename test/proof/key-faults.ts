import { MemoryLoginRegistry } from "../../lib/index.js";
import type { KickRecord } from "../../lib/types/login.js";
import type { AddResult, EndResult, EndTarget, KeyDigest, KeyIndex, ListedLogin } from "../../lib/types/registry.js";

/** Changes the index of keys of a registry. */
function changeKeys(registry: MemoryLoginRegistry, change: (keys: KeyIndex) => Partial<KeyIndex>): void {
  const { keys } = registry;
  const bound: KeyIndex = {
    bind: (...args) => keys.bind(...args),
    mark: (...args) => keys.mark(...args),
    rows: (...args) => keys.rows(...args),
    drop: (...args) => keys.drop(...args),
  };
  Object.defineProperty(registry, "keys", { value: { ...bound, ...change(bound) } });
}

/** A registry whose index of keys is another one. */
function withKeys(change: (keys: KeyIndex) => Partial<KeyIndex>): new () => MemoryLoginRegistry {
  return class extends MemoryLoginRegistry {
    constructor() {
      super();
      changeKeys(this, change);
    }
  };
}

const NoLookAtMark = withKeys((keys) => ({
  bind: async (...args) => {
    await keys.bind(...args);
    return undefined;
  },
}));

/** The mark is left when the rows have been read. */
const MarksLate = withKeys((keys) => {
  const late: Parameters<KeyIndex["mark"]>[] = [];
  return {
    mark: (...args) => {
      late.push(args);
      return Promise.resolve();
    },
    async *rows(key) {
      yield* keys.rows(key);
      // A step of its own between the rows and the mark.
      yield [];
      for (const args of late.splice(0)) await keys.mark(...args);
    },
  };
});

/** The rows are written when the session has been. */
class BindsLate extends MemoryLoginRegistry {
  readonly #late: (() => Promise<unknown>)[] = [];

  constructor() {
    super();
    changeKeys(this, (keys) => ({
      bind: (...args) => {
        this.#late.push(() => keys.bind(...args));
        return Promise.resolve(undefined);
      },
    }));
  }

  override async finishKick(...args: Parameters<MemoryLoginRegistry["finishKick"]>): Promise<void> {
    await this.#bindAll();
    return super.finishKick(...args);
  }

  override async find(...args: Parameters<MemoryLoginRegistry["find"]>): Promise<ListedLogin | undefined> {
    await this.#bindAll();
    return super.find(...args);
  }

  async #bindAll(): Promise<void> {
    for (const bind of this.#late.splice(0)) await bind();
  }
}

/** A login is listed after its keys were bound: a kick that has read its row before ends nothing. */
class BindsBeforeListing extends MemoryLoginRegistry {
  readonly #unlisted = new Set<string>();

  constructor() {
    super();
    changeKeys(this, (keys) => ({
      bind: async (key, row, ttlMs) => {
        const kick = await keys.bind(key, row, ttlMs);
        // One that meets a mark is listed, and ended by its request.
        if (kick !== undefined) this.#unlisted.delete(row.loginId);
        return kick;
      },
    }));
  }

  override async add(...[login, options]: Parameters<MemoryLoginRegistry["add"]>): Promise<AddResult> {
    const result = await super.add(login, options);
    if (result.outcome === "listed" && options?.since === undefined) this.#unlisted.add(login.id);
    return result;
  }

  override async end(userId: string, target: EndTarget): Promise<EndResult> {
    const isUnlisted = target.loginId !== undefined && this.#unlisted.has(target.loginId);
    return isUnlisted ? { ended: [], endCount: 0 } : super.end(userId, target);
  }

  /** The request looks its login up after it has written the session. */
  override async find(userId: string, loginId: string): Promise<ListedLogin | undefined> {
    this.#unlisted.delete(loginId);
    return super.find(userId, loginId);
  }
}

/** A logout drops the rows of a login, which its request may list again. */
class DropsRowsAtLogout extends MemoryLoginRegistry {
  readonly #drops = new Map<string, (() => Promise<void>)[]>();

  constructor() {
    super();
    changeKeys(this, (keys) => ({
      bind: (key, row, ttlMs) => {
        const drops = this.#drops.get(row.loginId) ?? [];
        this.#drops.set(row.loginId, [...drops, () => keys.drop(key, [row])]);
        return keys.bind(key, row, ttlMs);
      },
    }));
  }

  override async end(userId: string, target: EndTarget): Promise<EndResult> {
    const result = await super.end(userId, target);
    if (target.kick === undefined)
      for (const { id } of result.ended) for (const drop of this.#drops.get(id) ?? []) await drop();
    return result;
  }
}

/** The end of a login that is not listed is forgotten: a request that has ended it for a moment lists it again. */
class ForgetsEndsOfUnlisted extends MemoryLoginRegistry {
  override async end(userId: string, target: EndTarget): Promise<EndResult> {
    if (target.loginId === undefined || target.kick === undefined) return super.end(userId, target);
    return super.end(userId, { ...target, ifListed: true });
  }
}

/** A kick ends logins of the key that authenticated later. */
const IgnoresSince = withKeys((keys) => ({
  async *rows(key) {
    for await (const rows of keys.rows(key)) yield rows.map(({ since: _since, ...row }) => row);
  },
}));

/** The mark keeps the latest time in place of the greatest. */
const KeepsLatestTime = withKeys((keys) => {
  const marks = new Map<KeyDigest, { record: KickRecord; before: number }>();
  return {
    mark: (key, record, before = 0) => {
      marks.set(key, { record, before });
      return Promise.resolve();
    },
    bind: async (key, row, ttlMs) => {
      await keys.bind(key, row, ttlMs);
      const mark = marks.get(key);
      return mark !== undefined && row.since !== undefined && row.since <= mark.before ? mark.record : undefined;
    },
  };
});

/** Mistakes with external keys that the protocol rules out. */
export const KEY_FAULTS: Readonly<Record<string, new () => MemoryLoginRegistry>> = {
  "a bind does not look at the mark": NoLookAtMark,
  "rows are read before the mark is left": MarksLate,
  "a session is written before its keys are bound": BindsLate,
  "keys are bound before the login is listed": BindsBeforeListing,
  "a logout drops the rows": DropsRowsAtLogout,
  "the end of an unlisted login is forgotten": ForgetsEndsOfUnlisted,
  "a kick ignores when a login authenticated": IgnoresSince,
  "the latest mark counts": KeepsLatestTime,
};
