import type { DeviceInfo, Login, KickRecord, Generation } from "./login.js";

/** A login with the session ids under which it is live. Session ids stay inside this package. */
export interface ListedLogin extends Login {
  /** The session ids: one; rarely more; none while a request rotates the session id. */
  readonly sids: readonly string[];
  /**
   * Until when lists show the login, if it has a session id: as long as its session lives. May become earlier, unlike
   * `expires`, which alone decides whether the login is listed.
   */
  readonly shownUntil: Date;
}

/** A login to be listed by {@link LoginRegistry.add} or {@link LoginRegistry.adopt}. */
export interface NewLogin extends DeviceInfo {
  readonly id: string;
  readonly userId: string;
  readonly sid: string;
  /** How long the login is kept and shown without a further {@link LoginRegistry.update}, in milliseconds. */
  readonly ttlMs: number;
  /** When the login began. Default: now, by the registry's clock. */
  readonly began?: Date | undefined;
}

/**
 * What {@link LoginRegistry.update} changes. An `ip` and a `userAgent` are stored only if the login has neither; absent fields
 * leave the login as it is.
 */
export interface LoginChange extends DeviceInfo {
  /** A session id to add. */
  readonly addSid?: string | undefined;
  /** A session id to remove. A login without a session id stays listed, for the request that rotates it, but is not shown. */
  readonly removeSid?: string | undefined;
  /**
   * Records activity now. The login is kept for at least this long from now, and shown for exactly this long, in milliseconds.
   * The expiry never becomes earlier, because a slow request may extend the session again.
   */
  readonly ttlMs?: number | undefined;
}

/** The history of a login that began earlier, for {@link LoginRegistry.adopt}. */
export interface Since {
  /** The result of {@link LoginRegistry.add}; `""` for a session that this package has not written. */
  readonly generation: Generation;
  /** How often the login had been ended: {@link Removal.endCount}; `0` if never. */
  readonly endCount: number;
  /**
   * When the user authenticated, if the app knows. A kick at least a minute before this time ({@link CLOCK_MARGIN_MS}) does not
   * count; the margin allows for two different clocks.
   */
  readonly authenticatedAt?: Date | undefined;
}

/** How {@link LoginRegistry.remove} ends one login. */
export interface EndOfLogin extends EndOptions {
  /** The kick that ends the login. Default: none, the user or the app logs the login out. */
  readonly kick?: KickRecord | undefined;
  /**
   * Whether and how long the end is remembered, so that the login cannot be adopted again from a session found later: `true` for
   * as long as a session can live, `"for a day"` for longer than any request takes. Default: `false`.
   */
  readonly remember?: boolean | "for a day" | undefined;
  /** Remembers nothing if the login is not listed: for ids from a form. Default: `false`. */
  readonly ifListed?: boolean | undefined;
  /** Ends the login only if it is listed with this session id, and remembers nothing otherwise. Default: no condition. */
  readonly ifSid?: string | undefined;
  /** Removes this session id, and ends the login only if it has no other. Implies `ifSid`. Default: no condition. */
  readonly ifLastSid?: string | undefined;
}

/** Which part of a list is read. */
export interface RegistryPage {
  /** The number of items to skip. */
  readonly offset: number;
  /** The maximum number of items to return. */
  readonly limit: number;
}

/** A part of a list. */
export interface RegistryList<Item> {
  readonly items: readonly Item[];
  /** The number of items in the whole list. */
  readonly total: number;
}

/** The result of {@link LoginRegistry.remove}. */
export interface Removal {
  /** The login, if it was listed. Of several concurrent calls that end one login, exactly one gets it. */
  readonly login: ListedLogin | undefined;
  /**
   * How often the login has been ended, this call included if its end is remembered. For {@link Since}: an adoption with this
   * count succeeds only if no other call has ended the login.
   */
  readonly endCount: number;
}

/** How an end is written. */
export interface EndOptions {
  /**
   * How many replicas must acknowledge the write before the call resolves; otherwise it rejects with `ERR_WRITE_NOT_REPLICATED`.
   * Default: the registry's own option. A registry without replicas rejects a number above 0 with `ERR_ARGUMENT_INVALID`.
   */
  readonly waitReplicas?: number | undefined;
}

/** How a kick of one user is written. */
export interface KickEndOptions extends EndOptions {
  /** The id of a login that does not end if it is listed now; the kick record does not apply to it. Default: none. */
  readonly except?: string | undefined;
}

/** Logins of one user that have ended together. */
export interface EndedLogins {
  readonly userId: string;
  readonly loginIds: readonly string[];
  /** The kick that ended the logins. Absent if the user or the app logged them out. */
  readonly kick?: KickRecord | undefined;
}

/** What {@link LoginRegistry.subscribe} reports. */
export interface RegistryListener {
  /** These logins have ended. */
  ended(ended: EndedLogins): void;
  /**
   * `false`: notifications may be lost from now on. `true`: notifications arrive from now on; earlier ones may have been lost,
   * so look up every login that is being watched.
   */
  listening(isListening: boolean): void;
}

/** A running subscription. */
export interface Subscription {
  /** Ends the subscription and releases its connection. */
  close(): Promise<void>;
}

/** A user who is online. */
export interface ActiveUserRow {
  readonly userId: string;
  /** The user's newest logins that are shown, newest first: at least one, at most 50. */
  readonly logins: readonly ListedLogin[];
  /** The number of the user's logins that are shown. */
  readonly loginsCount: number;
}

/**
 * The list of live logins of one application. A session is served only while its login is listed here.
 *
 * Duties of every registry, most important first:
 *
 * 1. **Atomic per user.** Each method that names a user is one atomic step on that user: concurrent calls on the same user
 *    take effect one after the other.
 * 2. **Only `add` and `adopt` list.** `update` changes listed logins only.
 * 3. **Fail closed.** A method that cannot reach its data rejects within a limited time with a `LogoutError`
 *    `ERR_REGISTRY_UNAVAILABLE`. A call that was abandoned does not take effect later.
 * 4. **A login outlives its session.** Keep a login for at least `ttlMs` from the last `add`, `adopt` or `update`.
 * 5. **Kicked logins stay readable** until {@link LoginRegistry.finishKick}, so that a kick that stopped half-way can be
 *    repeated.
 * 6. **Kicks are remembered** for `maxSessionAgeMs`: the last kick of a user, the last kick of everyone, and kicks of single
 *    logins.
 * 7. **Ids are any text**: empty, with separators, with lone surrogates. Two different ids never collide.
 * 8. **No node's clock decides a kick.** Use the registry's clock, or none.
 *
 * See `docs/writing-a-registry.md`.
 */
export interface LoginRegistry {
  /**
   * Prepares the registry for an application. Called by `logout()` before any other method, and again after
   * {@link LoginRegistry.close} by the `logout()` that takes over the session store.
   *
   * @param application - `maxSessionAgeMs`: how long kicks are remembered, in milliseconds. `store`: the session store, for a
   *   registry that checks it.
   * @throws LogoutError `ERR_REGISTRY_IN_USE` if the registry already serves another application.
   */
  init(application: { readonly appId: string; readonly maxSessionAgeMs: number; readonly store?: unknown }): void;

  /** Returns a login if it is listed. On the path of every logged-in request: one read by key. */
  find(userId: string, loginId: string): Promise<ListedLogin | undefined>;

  /**
   * Returns a login if it is listed and this process knows so without a request to the registry. The result must be as current
   * as that of {@link LoginRegistry.find} at the moment in which a session has just been read. Optional: leave it out if the
   * registry cannot guarantee that.
   */
  peek?(userId: string, loginId: string): ListedLogin | undefined;

  /**
   * Lists a login that begins now.
   *
   * Lists nothing if the user is kicked while the call runs, or if this id has been ended; `logout()` then adds the login under
   * another id. A command that a client sends twice therefore cannot list a login again after a kick.
   *
   * @returns The login's generation; `undefined` if it is not listed.
   */
  add(login: NewLogin): Promise<Generation | undefined>;

  /**
   * Returns whether the registry sends its commands over the one connection of this client, so that they run in the order in
   * which they were sent. Optional: leave it out if the registry cannot guarantee that.
   */
  sharesConnection?(client: unknown): boolean;

  /**
   * Lists a login that began earlier, if nothing has ended it since: no kick of its user or of everyone outside of
   * `since.generation`, and not more ends of this login than `since.endCount`. Extends the expiry of a login that is listed
   * already, unless it has left this session id for another.
   *
   * Order: look for a kick of everyone *after* listing, and undo the listing if there is one, so that such a kick cannot slip in
   * between.
   *
   * @returns The login's generation from now on; `undefined` if it is not listed.
   */
  adopt(login: NewLogin, since: Since): Promise<Generation | undefined>;

  /** Changes a login if it is listed, and returns whether it is. Never lists one. */
  update(userId: string, loginId: string, change: LoginChange): Promise<boolean>;

  /**
   * Ends one login.
   *
   * The end is remembered for `maxSessionAgeMs` if the login was kicked or `remember` is `true`. The end of a login that is not
   * listed is remembered for `maxSessionAgeMs` if `remember` is `true`, otherwise for a day; not at all with `ifListed`, `ifSid`
   * or `ifLastSid`. With a `kick`, a repeated call returns the login again until {@link LoginRegistry.finishKick}.
   */
  remove(userId: string, loginId: string, end?: EndOfLogin): Promise<Removal>;

  /**
   * Kicks a user: ends all of their logins and writes the kick record, in one atomic step.
   *
   * @returns The ended logins, including those of earlier kicks without a {@link LoginRegistry.finishKick}: a kick that stopped
   *   half-way is completed by repeating it.
   */
  removeAll(userId: string, kick: KickRecord, options?: KickEndOptions): Promise<readonly ListedLogin[]>;

  /** Forgets the logins of a kick whose sessions have been overwritten. */
  finishKick(userId: string, loginIds: readonly string[]): Promise<void>;

  /**
   * Records a kick of everyone and starts a new generation. Ends no login: `logout()` then walks
   * {@link LoginRegistry.scanUsers}.
   */
  kickEveryone(kick: KickRecord, options?: EndOptions): Promise<void>;

  /** Returns the kick that ended a login of this generation, if one did: of the login, of its user, or of everyone. */
  kickOf(userId: string, loginId: string, generation: Generation): Promise<KickRecord | undefined>;

  /**
   * Lists a user's logins that are shown (with a session id, until {@link ListedLogin.shownUntil}), newest first. Reads no more
   * than it returns, plus a count. The count may be an estimate above 1,000 logins.
   */
  list(userId: string, page: RegistryPage): Promise<RegistryList<ListedLogin>>;

  /**
   * Lists the users who are online (with a login that is shown), most recently active first, without reading every user. Leaves
   * out a user whose data cannot be read. With a `limit` of 0, only counts.
   *
   * @returns `totalCount`: the number of users online. `users`: those on the page.
   */
  activeUsers(page: RegistryPage): Promise<{
    readonly totalCount: number;
    readonly users: readonly ActiveUserRow[];
  }>;

  /**
   * Iterates over all users, in batches: everyone who had a login from the start of the iteration to its end, including logins
   * without a session id and users whose kick is not finished; perhaps others, perhaps twice.
   *
   * Throws for users that cannot be read, but only after all others have been returned.
   */
  scanUsers(): AsyncIterable<readonly string[]>;

  /**
   * Notifies of every end of a login by {@link LoginRegistry.remove}, {@link LoginRegistry.removeAll} or
   * {@link LoginRegistry.clear}, on whichever node it happened; not of expiry. Never throws: reports a lost connection to the
   * listener and keeps trying.
   *
   * @param options - `checkIntervalMs`: how often to check that notifications arrive, in milliseconds.
   */
  subscribe(listener: RegistryListener, options: { readonly checkIntervalMs: number }): Subscription;

  /** Removes every login and starts a new generation, so that requests in flight cannot resume one. Called by `store.clear()`. */
  clear(): Promise<void>;

  /** Closes what the registry opened itself. Clients and pools that were passed in stay open. */
  close(): Promise<void>;
}
