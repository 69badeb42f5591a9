import type { Finding, RegistryHealth } from "./health.js";
import type { HistoryLog, HistoryLimits } from "./history.js";
import type { Generation, KickRecord } from "./login.js";
import type { KeyIndex } from "./login-keys.js";
import type {
  ActiveUserRow,
  AddOptions,
  AddResult,
  EndResult,
  EndTarget,
  ListedLogin,
  LoginChange,
  NewLogin,
  RegistryList,
  RegistryPage,
  UpdateResult,
} from "./registry-calls.js";

export type { Finding, RegistryHealth } from "./health.js";
export type { HistoryLimits, HistoryLog, HistoryPage, Page } from "./history.js";
export type { KeyDigest, KeyIndex, KeyRow } from "./login-keys.js";
export type * from "./registry-calls.js";

/** What {@link LoginRegistry.subscribe} reports. */
export interface RegistryListener {
  /** These logins have ended. */
  ended(ended: EndedLogins): void;
  /** Notifications arrive from now on. {@link RegistryListener.gap} follows. */
  connected(): void;
  /** Notifications may be lost from now on. */
  disconnected(): void;
  /**
   * Notifications may have been lost, so every login that is being watched must be looked up. Follows each `connected`, also the
   * first one, and each {@link LoginRegistry.clear}.
   */
  gap(): void;
}

/** Logins of one user that have ended together. */
export interface EndedLogins {
  readonly userId: string;
  readonly loginIds: readonly string[];
  /** The kick that ended the logins. Absent if the user or the app logged them out. */
  readonly kick?: KickRecord | undefined;
}

/** A running subscription. */
export interface Subscription {
  /** Ends the subscription and releases its connection. */
  close(): Promise<void>;
}

/** What a registry supports beyond the basics. Absent members count as `false`. */
export interface RegistrySupport {
  /** {@link AddOptions.limit} and {@link LoginChange.limit}. */
  readonly limit?: boolean | undefined;
  /** {@link NewLogin.lastsMs}, {@link NewLogin.idleMs} and {@link LoginChange.lastsMs}. */
  readonly lifetime?: boolean | undefined;
}

/** The application that a registry serves. */
export interface RegistryApplication {
  readonly appId: string;
  /** How long kicks are remembered, in milliseconds. */
  readonly maxSessionAgeMs: number;
  /** How much history is kept. Default: none. */
  readonly history?: HistoryLimits | undefined;
}

/**
 * The list of live logins of one application. A session is served only while its login is listed here.
 *
 * Duties of every registry, most important first:
 *
 * 1. **Atomic per user.** Each method that names a user is one atomic step on that user: concurrent calls on the same user
 *    take effect one after the other. An `update`, or an `add` with `since`, never brings back what an `end` has removed.
 * 2. **Only `add` lists.** `update` changes listed logins only.
 * 3. **Fail closed.** A method that cannot reach its data rejects within a limited time with a `LogoutError`
 *    `ERR_REGISTRY_UNAVAILABLE`. A call that was abandoned does not take effect later.
 * 4. **A login outlives its session.** Keep a login for at least `ttlMs` from the last `add` or `update`; but once its absolute or
 *    idle lifetime is over, never return, update or list it again.
 * 5. **Kicked logins stay readable** until {@link LoginRegistry.finishKick}, so that a kick that stopped half-way can be
 *    repeated.
 * 6. **Kicks are remembered** for `maxSessionAgeMs`: the last kick of a user, the last kick of everyone, and kicks of single
 *    logins.
 * 7. **Ids are any text**: empty, with separators, with lone surrogates. Two different ids never collide.
 * 8. **No node's clock decides a kick.** Use the registry's clock, or none. Lifetimes may compare clocks.
 *
 * See `docs/writing-a-registry.md`, and run the suite of `express-logout/registry/testing`.
 */
export interface LoginRegistry {
  /** What the registry supports beyond the basics. Default: nothing. */
  readonly supports?: RegistrySupport | undefined;

  /**
   * Prepares the registry for an application. Called by `logout()` before any other method, and again after
   * {@link LoginRegistry.close} by the `logout()` that takes over the session store.
   *
   * @throws LogoutError `ERR_REGISTRY_IN_USE` if the registry already serves another application.
   */
  init(application: RegistryApplication): void;

  /** Returns a login if it is listed. On the path of every logged-in request: one read by key. */
  find(userId: string, loginId: string): Promise<ListedLogin | undefined>;

  /**
   * Lists a login.
   *
   * Without `since` the login begins now. It is not listed if the user is kicked while the call runs, or if this id has been
   * ended (`"ended"`); `logout()` then adds the login under another id. A command that a client sends twice therefore cannot list
   * a login again after a kick.
   *
   * With `since` the login began earlier. It is listed if nothing has ended it since: no kick of its user or of everyone outside
   * of `since.generation`, but those that have spared it, and not more ends of this login than `since.endCount`. If it is listed
   * already, its expiry is extended, unless it has left this session id for another (`"moved"`).
   *
   * Order: look for a kick of everyone *after* listing, and undo the listing if there is one, so that such a kick cannot slip in
   * between. Write an index of users, if there is one, before the promise resolves: {@link LoginRegistry.scanUsers} must not miss
   * the login.
   *
   * With `limit`, the same atomic step ends what exceeds it; never the login being listed, nor logins that share its session id. A
   * login that is listed already passes. What ends is treated as a kick of these logins: notified, kept until
   * {@link LoginRegistry.finishKick}, and its record is returned by {@link LoginRegistry.kickOf}.
   */
  add(login: NewLogin, options?: AddOptions): Promise<AddResult>;

  /** Changes a login if it is listed, and returns whether it is. Never lists one. */
  update(userId: string, loginId: string, change: LoginChange): Promise<UpdateResult>;

  /** Ends one login, or kicks a user: ends all of their logins and writes the kick record, in one atomic step. */
  end(userId: string, target: EndTarget): Promise<EndResult>;

  /** Forgets the logins of a kick whose sessions have been overwritten. */
  finishKick(userId: string, loginIds: readonly string[]): Promise<void>;

  /**
   * Records a kick of everyone and starts a new generation. Ends no login: `logout()` then walks
   * {@link LoginRegistry.scanUsers}. The record does not apply to logins that {@link EndOfUser} with `everyone` has spared from it.
   */
  kickEveryone(record: KickRecord): Promise<void>;

  /**
   * Returns the kick that ended a login of this generation, if one did: of the login, of its user, or of everyone. For a login whose
   * lifetime is over, until its `ttlMs` has passed too, a record with the cause `"lifetime"` and the time of the end in `at`.
   */
  kickOf(userId: string, loginId: string, generation: Generation): Promise<KickRecord | undefined>;

  /**
   * Lists a user's logins that are shown (with a session id, until {@link ListedLogin.shownUntil}), newest first. Reads no more
   * than it returns, plus a count. The count may be an estimate above 1,000 logins.
   */
  list(userId: string, page: RegistryPage): Promise<RegistryList<ListedLogin>>;

  /**
   * Lists the users who are online (with a login that is shown), most recently active first, without reading every user. Leaves
   * out a user whose data cannot be read. With a `limit` of 0, only counts.
   */
  activeUsers(page: RegistryPage): Promise<RegistryList<ActiveUserRow>>;

  /**
   * Iterates over all users, in batches: everyone who had a login from the start of the iteration to its end, including logins
   * without a session id and users whose kick is not finished; perhaps others, perhaps twice.
   *
   * Throws for users that cannot be read, but only after all others have been returned.
   */
  scanUsers(): AsyncIterable<readonly string[]>;

  /**
   * Iterates over the logins of a user, in batches: every login that is listed from the start of the iteration to its end, also one
   * that is not shown, and those of kicks without a `finishKick`; perhaps others, perhaps twice. Optional, needed by `kickWhere`.
   */
  scanLogins?(userId: string): AsyncIterable<readonly ListedLogin[]>;

  /**
   * Notifies of every end of a login by {@link LoginRegistry.end} or {@link LoginRegistry.clear}, on whichever node it happened;
   * not of expiry. Never throws: reports a lost connection to the listener and keeps trying.
   *
   * @param options - `checkIntervalMs`: how often to check that notifications arrive, in milliseconds.
   */
  subscribe(listener: RegistryListener, options: { readonly checkIntervalMs: number }): Subscription;

  /** Removes every login and starts a new generation, so that requests in flight cannot resume one. Called by `store.clear()`. */
  clear(): Promise<void>;

  /** Closes what the registry opened itself. Clients and pools that were passed in stay open. */
  close(): Promise<void>;

  /** Binds logins to external keys. Optional, needed by `logins.keys`, `logins.providers` and `kickByKey`. */
  readonly keys?: KeyIndex | undefined;

  /** The history. Optional, needed by `audit.history`. */
  readonly history?: HistoryLog | undefined;

  /** Measures one round trip, for `auth.health()`. Optional: without it `auth.health()` calls {@link LoginRegistry.find}. */
  health?(): Promise<RegistryHealth>;

  /**
   * Checks the settings of the server, for `auth.diagnose()`. Optional. Never rejects: what cannot be checked is `"unknown"`, not
   * `"ok"`. No finding holds a password, a session id or an id of a user.
   */
  check?(): Promise<readonly Finding[]>;
}
