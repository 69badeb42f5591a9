import { Store, type SessionData } from "express-session";
import { localBackend, MAX_SESSION_AGE_MS, type Backend } from "./stores.js";

type Done = (error?: unknown, value?: SessionData | null) => void;

/** A store of no more than `get`, `set` and `destroy`, on a table that several nodes share. */
export class MinimalStore extends Store {
  readonly rows: Map<string, string>;

  constructor(rows = new Map<string, string>()) {
    super();
    this.rows = rows;
  }

  override get(sid: string, done?: Done): void {
    this.answer("get", done, this.read(sid));
  }

  override set(sid: string, session: SessionData, done?: Done): void {
    this.rows.set(sid, JSON.stringify(session));
    this.answer("set", done);
  }

  override destroy(sid: string, done?: Done): void {
    this.rows.delete(sid);
    this.answer("destroy", done);
  }

  protected answer(_method: string, done?: Done, value?: SessionData | null): void {
    setImmediate(() => done?.(null, value));
  }

  protected read(sid: string): SessionData | null {
    const session = JSON.parse(this.rows.get(sid) ?? "null") as SessionData | null;
    const { expires } = (session?.cookie ?? {}) as { expires?: string | null };
    return expires != null && Date.parse(expires) <= Date.now() ? null : session;
  }
}

/** Has a `touch` as most stores have it. */
export class TouchedStore extends MinimalStore {
  override touch(sid: string, session: SessionData, done?: Done): void {
    const stored = this.read(sid);
    if (stored !== null) this.rows.set(sid, JSON.stringify({ ...stored, cookie: session.cookie }));
    this.answer("touch", done);
  }
}

/** Touches a written session, and answers afterwards. */
export class TouchingStore extends TouchedStore {
  override set(sid: string, session: SessionData, done?: Done): void {
    super.set(sid, session, () => this.touch(sid, session, done));
  }
}

/** Answers before its methods return. */
export class SynchronousStore extends TouchedStore {
  protected override answer(_method: string, done?: Done, value?: SessionData | null): void {
    done?.(null, value);
  }
}

/** Writes the whole row at a touch, also one that has been destroyed. */
export class RecreatingStore extends MinimalStore {
  override touch(sid: string, session: SessionData, done?: Done): void {
    this.set(sid, session, done);
  }
}

/** Reads at once and writes late, and answers late in either case: its answers are old. */
export class LateStore extends RecreatingStore {
  override set(sid: string, session: SessionData, done?: Done): void {
    const row = JSON.stringify(session);
    setTimeout(() => {
      this.rows.set(sid, row);
      done?.(null);
    }, 5);
  }

  override destroy(sid: string, done?: Done): void {
    setTimeout(() => {
      this.rows.delete(sid);
      done?.(null);
    }, 5);
  }

  protected override answer(_method: string, done?: Done, value?: SessionData | null): void {
    setTimeout(() => done?.(null, value), 5);
  }
}

/** Answers twice, and the second time otherwise. */
export class TwiceStore extends RecreatingStore {
  protected override answer(_method: string, done?: Done, value?: SessionData | null): void {
    setImmediate(() => {
      done?.(null, value);
      done?.(new Error("the second answer"));
    });
  }
}

/** Executes all calls, and never answers calls of the methods in `silent`. */
export class SilentStore extends RecreatingStore {
  readonly silent = new Set<string>();

  override touch(sid: string, session: SessionData, done?: Done): void {
    this.rows.set(sid, JSON.stringify(session));
    this.answer("touch", done);
  }

  protected override answer(method: string, done?: Done, value?: SessionData | null): void {
    if (!this.silent.has(method)) super.answer(method, done, value);
  }
}

function odd(name: string, StoreClass: typeof MinimalStore, BareClass = StoreClass): () => Backend {
  return () => {
    const rows = new Map<string, string>();
    return localBackend({
      name,
      browserLoginMs: MAX_SESSION_AGE_MS,
      openStore: () => new StoreClass(rows),
      openBare: () => new BareClass(rows),
    });
  };
}

export const ODD_STORES = [
  odd("a synchronous store", SynchronousStore),
  odd("a store with get, set and destroy alone", MinimalStore),
  odd("a store whose touch re-creates the row", RecreatingStore),
  odd("a store whose set touches the row", TouchingStore),
  odd("a store that answers late", LateStore),
  // express-session continues twice, and fails: no app works on such a store without the package.
  odd("a store that answers twice", TwiceStore, RecreatingStore),
];
