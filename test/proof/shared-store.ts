import { Store, type SessionData } from "express-session";
import type { Actor, Failure, Schedule } from "./schedule.js";
import { currentActor } from "./schedule.js";

/** Session data as it lies in a store. */
export interface Stored {
  readonly userId?: string;
  /** The app's own name for the login: the model knows logins by it. */
  readonly tag?: string;
  readonly expressLogout?: unknown;
  readonly cookie: { readonly expires?: string | null };
}

export interface StoreWatcher {
  read(sid: string, stored: Stored | undefined, actor: Actor): void;
  /** `isTorn`: the writer has read the session before another writer wrote it. The write of the other is lost. */
  wrote(sid: string, stored: Stored | undefined, actor: Actor, isTorn: boolean): void;
  /** The tag under which the data is known from now on. */
  tagOf(stored: Stored, actor: Actor | undefined): string | undefined;
}

interface Entry {
  readonly json: string;
  readonly expires: number;
}

/** The sessions that all nodes share, as Redis would hold them: text, dropped when it expires. */
export class SharedSessions {
  readonly watcher: StoreWatcher;
  readonly #keptMs: number;
  readonly #entries = new Map<string, Entry>();
  readonly #expires = new Map<string, number>();
  readonly #lastWrites = new Map<string, { readonly actor: Actor | undefined; readonly at: number }>();
  readonly #reads = new Map<Actor, Map<string, number>>();
  #clock = 0;

  /** @param keptMs - how long a session is kept whose cookie does not say it */
  constructor(watcher: StoreWatcher, keptMs: number) {
    this.watcher = watcher;
    this.#keptMs = keptMs;
  }

  /** When a session that was there would have expired; also one that has been destroyed since. */
  expiresAt(sid: string): number {
    return this.#expires.get(sid) ?? 0;
  }

  /** The sessions that a store would still hand out. */
  get live(): readonly (readonly [sid: string, stored: Stored])[] {
    return [...this.#entries.keys()].flatMap((sid) => {
      const entry = this.#live(sid);
      return entry === undefined ? [] : [[sid, JSON.parse(entry.json) as Stored] as const];
    });
  }

  /** A query, `DEL`, another process: the session is gone, and no store was asked. */
  drop(sid: string): void {
    this.#entries.delete(sid);
  }

  /** A session from before the installation. */
  plant(sid: string, session: object): void {
    const json = JSON.stringify(session);
    this.#put(sid, { json, expires: this.expiry(json) });
  }

  get(sid: string): Stored | undefined {
    const actor = currentActor();
    const entry = this.#live(sid);
    const stored = entry && (JSON.parse(entry.json) as Stored);
    if (actor !== undefined) {
      this.#clock += 1;
      const reads = this.#reads.get(actor) ?? new Map<string, number>();
      if (actor.hasUnawaitedSave !== true || !reads.has(sid)) this.#reads.set(actor, reads.set(sid, this.#clock));
      this.watcher.read(sid, stored, actor);
    }
    return stored;
  }

  set(sid: string, entry: Entry): void {
    const data = JSON.parse(entry.json) as Stored;
    const tag = this.watcher.tagOf(data, currentActor());
    const stored = tag === data.tag || tag === undefined ? data : { ...data, tag };
    const before = this.expiresAt(sid);
    this.#put(sid, { ...entry, json: JSON.stringify(stored) });
    // A request that has read the session before its login writes over the login. Lists go by what the login was written with.
    if (stored.userId === undefined && this.#isOverwritten(sid, currentActor())) {
      this.#expires.set(sid, Math.max(before, entry.expires));
    }
    this.#wrote(sid, stored);
  }

  destroy(sid: string): void {
    this.#entries.delete(sid);
    this.#wrote(sid, undefined);
  }

  /** As EXPIRE does: the data stays what it is. The touch of a request that has read older data makes no login last longer. */
  touch(sid: string, expires: number): void {
    const entry = this.#live(sid);
    if (entry === undefined) return;
    this.#entries.set(sid, { ...entry, expires });
    const isOwn = !this.#isOverwritten(sid, currentActor());
    this.#expires.set(sid, isOwn ? expires : Math.min(expires, this.expiresAt(sid)));
  }

  /** Until when a session is kept that is written now. */
  expiry(json: string): number {
    const { expires } = (JSON.parse(json) as Stored).cookie;
    return typeof expires === "string" ? +new Date(expires) : Date.now() + this.#keptMs;
  }

  #wrote(sid: string, stored: Stored | undefined): void {
    const actor = currentActor();
    if (actor === undefined) return;
    const isTorn = this.#isOverwritten(sid, actor);
    this.#clock += 1;
    this.#lastWrites.set(sid, { actor, at: this.#clock });
    this.watcher.wrote(sid, stored, actor, isTorn);
  }

  /** Whether the session was written by another actor since this one has read it. */
  #isOverwritten(sid: string, actor: Actor | undefined): boolean {
    const read = actor && this.#reads.get(actor)?.get(sid);
    const last = this.#lastWrites.get(sid);
    return read !== undefined && last !== undefined && last.actor !== actor && last.at > read;
  }

  #put(sid: string, entry: Entry): void {
    this.#entries.set(sid, entry);
    this.#expires.set(sid, entry.expires);
  }

  #live(sid: string): Entry | undefined {
    const entry = this.#entries.get(sid);
    return entry !== undefined && entry.expires > Date.now() ? entry : undefined;
  }
}

type Callback = (error?: unknown, value?: unknown) => void;

/** A connection over which a node's sessions are read and written in the order in which it asks. */
export interface OrderedConnection {
  readonly client: object;
  /** Resolves when what must have arrived before an answer has arrived. */
  readonly arrive: () => Promise<void>;
}

/** One node's session store on what all nodes share: each call is one step. */
export class NodeStore extends Store {
  readonly #schedule: Schedule;
  readonly #sessions: SharedSessions;
  readonly #connection: OrderedConnection | undefined;

  constructor(schedule: Schedule, sessions: SharedSessions, connection?: OrderedConnection) {
    super();
    this.#schedule = schedule;
    this.#sessions = sessions;
    this.#connection = connection;
  }

  /** The package takes it for connect-redis with this client: what it knows of that store is true of this one. */
  asConnectRedis(client: object): this {
    // Not JSON itself: kicks go through the methods, since the sessions are not in Redis.
    const serializer = { parse: JSON.parse, stringify: JSON.stringify };
    const options = { prefix: "sess:", scanCount: 100, serializer, disableTTL: false, disableTouch: false };
    Object.assign(this as object, { ...options, client });
    return this;
  }

  // Methods of the class: of a store in which one is replaced less is known.
  override get(sid: string, callback: (error: unknown, session?: SessionData | null) => void): void {
    this.#step(`get ${sid}`, () => this.#sessions.get(sid), callback as Callback);
  }

  override set(sid: string, session: SessionData, callback?: Callback): void {
    // What express-session hands over may change before the step is taken. Its life is counted from here: a store that takes
    // longer than a moment is given up.
    const json = JSON.stringify(session);
    const expires = this.#sessions.expiry(json);
    this.#step(`set ${sid}`, () => this.#sessions.set(sid, { json, expires }), callback);
  }

  override destroy(sid: string, callback?: Callback): void {
    this.#step(`destroy ${sid}`, () => this.#sessions.destroy(sid), callback);
  }

  override touch(sid: string, session: SessionData, callback?: Callback): void {
    const expires = this.#sessions.expiry(JSON.stringify(session));
    this.#step(`touch ${sid}`, () => this.#sessions.touch(sid, expires), callback);
  }

  // connect-redis has these too, and is known by its methods. No history calls them.
  override all(): void {
    unused("all");
  }

  override clear(): void {
    unused("clear");
  }

  override length(): void {
    unused("length");
  }

  ids(): void {
    unused("ids");
  }

  #step(label: string, effect: () => unknown, callback: Callback | undefined): void {
    const answer = callback ?? ((): void => undefined);
    const failure = failureOf(currentActor());
    const arrives = async (): Promise<unknown> => {
      await this.#connection?.arrive();
      return effect();
    };
    const fails = async (): Promise<unknown> => {
      if (failure?.isExecuted === true) await arrives();
      throw new Error("the session store is away");
    };
    const connection = this.#connection?.client;
    const done =
      failure === undefined
        ? this.#schedule.step(label, arrives, connection)
        : this.#schedule.step(`${label}, which fails`, fails, connection);
    done.then((value) => {
      answer(null, value);
    }, answer);
  }
}

function unused(method: string): never {
  throw new Error(`${method}() of the store of histories was called`);
}

/** The failure that this call to the store meets, if it meets one. */
function failureOf(actor: Actor | undefined): Failure | undefined {
  const failure = actor?.failsIn;
  if (actor === undefined || failure === undefined) return undefined;
  if (failure.calls > 0) {
    failure.calls -= 1;
    return undefined;
  }
  actor.failsIn = undefined;
  return failure;
}
