import type { DeviceInfo, Login, KickRecord, Generation } from "./login.js";

/** A login as the registry lists it: with the session ids under which it is live. They stay inside this package. */
export interface ListedLogin extends Login {
  /** One, seldom more; none while a request is rotating the session id. */
  readonly sids: readonly string[];
  /**
   * Until when lists show it, while it has a session id: as long as its session lives. Unlike `expires`, which alone decides
   * whether it is listed, it may become earlier.
   */
  readonly shownUntil: Date;
}

/** What {@link LoginRegistry.add} and {@link LoginRegistry.adopt} list. */
export interface NewLogin extends DeviceInfo {
  readonly id: string;
  readonly userId: string;
  readonly sid: string;
  /** How long it is kept, and shown, without a further {@link LoginRegistry.update}, in milliseconds. */
  readonly ttlMs: number;
  /** When it began. Default: now. */
  readonly began?: Date | undefined;
}

/** What {@link LoginRegistry.update} changes of a login that is still listed. */
export interface LoginChange extends DeviceInfo {
  readonly addSid?: string | undefined;
  /** A login without a session id stays listed, for the request that rotates it, and is not shown. */
  readonly removeSid?: string | undefined;
  /**
   * The login was active. It is kept for at least this long from now, in milliseconds, and shown for exactly as long: the
   * expiry only grows, since a slow request may lengthen the session again.
   */
  readonly ttlMs?: number | undefined;
}

/** What {@link LoginRegistry.adopt} needs to know of a login's beginning. */
export interface Since {
  /** As {@link LoginRegistry.add} returned it; `""` for a session that this package has not written. */
  readonly generation: Generation;
  /** How often the login had been ended, as {@link Removal.endCount} returned it. */
  readonly endCount: number;
  /**
   * When its user authenticated, if the app knows. A kick counts unless it is at least a minute older
   * ({@link CLOCK_MARGIN_MS}): two clocks are compared.
   */
  readonly authenticatedAt?: Date | undefined;
}

/** How one login is ended. */
export interface EndOfLogin extends EndOptions {
  /** It is kicked, and why. */
  readonly kick?: KickRecord | undefined;
  /**
   * Whether it must not be adopted again even if its session is found somewhere, and for how long that is remembered:
   * `true` for as long as a session can live, `"for a day"` for as long as a request can last. Default: `false`.
   */
  readonly remember?: boolean | "for a day" | undefined;
  /** Remembers nothing of a login that is not listed: for ids from a form. Default: `false`. */
  readonly ifListed?: boolean | undefined;
  /** Ends it only if it is listed with this session id, and remembers nothing otherwise. Default: not asked. */
  readonly ifSid?: string | undefined;
  /** Takes this session id off, and ends the login only if that was its last one. Implies `ifSid`. Default: none. */
  readonly ifLastSid?: string | undefined;
}

/** Which part of a list is read. */
export interface RegistryPage {
  readonly offset: number;
  readonly limit: number;
}

/** A part of a list, and how many there are in all. */
export interface RegistryList<Item> {
  readonly items: readonly Item[];
  readonly total: number;
}

/** What {@link LoginRegistry.remove} found. */
export interface Removal {
  /** The login, if it was listed: of several that remove one login at once, only one gets it. */
  readonly login: ListedLogin | undefined;
  /** Passed to {@link LoginRegistry.adopt} by the one who took the login off, it tells whether anybody else has ended it too. */
  readonly endCount: number;
}

/** How an end is written. */
export interface EndOptions {
  /** How many replicas must have it before the call resolves; else it rejects with `ERR_NOT_REPLICATED`. Default: the registry's. */
  readonly waitReplicas?: number | undefined;
}

/** How a kick of a user is written. */
export interface KickEndOptions extends EndOptions {
  /** The id of a login that stays, if it is listed now, and to which the mark does not apply. Default: none. */
  readonly except?: string | undefined;
}

/** Logins of one user that have just been taken off the list. */
export interface EndedLogins {
  readonly userId: string;
  readonly loginIds: readonly string[];
  /** Of the kick that did it; else their user or the app has ended them. */
  readonly kick?: KickRecord | undefined;
}

/** What {@link LoginRegistry.subscribe} tells. */
export interface RegistryListener {
  /** These logins are off the list. */
  ended(ended: EndedLogins): void;
  /**
   * `false`: news may be missed from now on. `true`: they arrive, from this moment; some may have been missed before, so
   * whoever waits for a login looks at the list.
   */
  listening(isListening: boolean): void;
}

export interface Subscription {
  /** Ends it, and lets go of what it needed. */
  close(): Promise<void>;
}

/** One user who is online, as {@link LoginRegistry.activeUsers} finds him. */
export interface ActiveUser {
  readonly userId: string;
  /** The user's newest live logins, the newest first: at least one, at most 50. */
  readonly logins: readonly ListedLogin[];
  /** How many live logins the user has. */
  readonly loginsCount: number;
}

/**
 * The list of live logins of one application: a session is served only while its login is on it.
 *
 * Every method is one atomic step on one user, so that whatever happens at the same time comes wholly before or wholly
 * after it. A method that cannot reach what it needs rejects with a `LogoutError` (`ERR_REGISTRY_UNAVAILABLE`); nothing is
 * ever assumed. See `docs/writing-a-registry.md`.
 */
export interface LoginRegistry {
  /**
   * Called by `logout()` before anything else; again, after {@link LoginRegistry.close}, by the `logout()` that takes its store
   * over.
   *
   * @throws LogoutError `ERR_REGISTRY_IN_USE` where it already serves another application.
   */
  init(application: {
    readonly appId: string;
    readonly maxSessionAgeMs: number;
    /** The session store, for a registry that has to do with it. */
    readonly store?: unknown;
  }): void;

  /** The login, if it is listed. On the way of every logged-in request: the one method that has to be fast. */
  find(userId: string, loginId: string): Promise<ListedLogin | undefined>;

  /**
   * The login, if it is listed and that is known here and now, without asking anybody: as sure as the answer of
   * {@link LoginRegistry.find} would be, but only in the moment in which a session has been read. Leave it out where that
   * cannot be.
   */
  peek?(userId: string, loginId: string): ListedLogin | undefined;

  /**
   * Lists a login that begins now, and returns its era. `undefined`: a kick of its user came in between, or this id has been
   * ended, and nothing is listed; the login is added again under another id. So a command that a client sends twice cannot
   * list a login again that a kick has counted.
   */
  add(login: NewLogin): Promise<Generation | undefined>;

  /**
   * Whether what this registry is asked is executed after what was asked of this client before: it is the registry's own, and
   * has one connection. Leave it out where that cannot be.
   */
  sharesConnection?(client: unknown): boolean;

  /**
   * Lists a login that began earlier, unless it has been ended since: by a kick of its user or of everyone that is not of
   * its `era`, or one by one (more often than `ends`). Listed already, it is kept for at least as long; unless it has left
   * the session with this sid for another one, which a slow request may not know.
   *
   * It looks for a kick of everyone *after* it has listed, so that such a kick cannot slip in between.
   *
   * @returns its era from now on; `undefined` if it is not listed.
   */
  adopt(login: NewLogin, since: Since): Promise<Generation | undefined>;

  /** Changes a login that is listed and has not expired; never lists one. @returns whether it is listed. */
  update(userId: string, loginId: string, change: LoginChange): Promise<boolean>;

  /**
   * Takes one login off.
   *
   * That is remembered for as long as a session can live where it was kicked or `remember` is `true`, for a day where it was
   * not listed, unless `ifListed`, `ifSid` or `ifLastSid` is set. With a `mark` the login is kept until
   * {@link LoginRegistry.finishKick}, and a repetition gets it again.
   */
  remove(userId: string, loginId: string, end?: EndOfLogin): Promise<Removal>;

  /**
   * The kick: takes all of a user's logins off and leaves the mark. The logins stay at hand until
   * {@link LoginRegistry.finishKick}, so that a kick that broke off can be finished by repeating it.
   */
  removeAll(userId: string, mark: KickRecord, options?: KickEndOptions): Promise<readonly ListedLogin[]>;

  /** The kick of these logins is finished: they need not be kept at hand any more. */
  finishKick(userId: string, loginIds: readonly string[]): Promise<void>;

  /** Leaves the mark of a kick of everyone. It takes nobody off: see {@link LoginRegistry.scanUsers}. */
  kickEveryone(mark: KickRecord, options?: EndOptions): Promise<void>;

  /** The kick that ended this login, of the given era, if one did. */
  kickOf(userId: string, loginId: string, era: Generation): Promise<KickRecord | undefined>;

  /**
   * A user's logins that are shown: with a session id, until {@link ListedLogin.shownUntil}. The newest come first. Reads no
   * more than it returns, plus a count, which may be an estimate above 1,000 logins.
   */
  list(userId: string, page: RegistryPage): Promise<RegistryList<ListedLogin>>;

  /**
   * Who is online, newest activity first, without reading everyone: the users with a login that is shown. One whose data cannot
   * be read is left out. With a `limit` of 0 it only counts.
   */
  activeUsers(page: RegistryPage): Promise<{
    readonly totalCount: number;
    readonly users: readonly ActiveUser[];
  }>;

  /**
   * Everyone who was online from the beginning of the iteration to its end, and perhaps others, in groups. What cannot be read
   * is an error at the end of the iteration, when everyone else has come.
   */
  scanUsers(): AsyncIterable<readonly string[]>;

  /**
   * Tells of every end of a login, on whichever node it came about, as soon as it can: by {@link LoginRegistry.remove},
   * {@link LoginRegistry.removeAll} and {@link LoginRegistry.clear}, but not by expiry. It never fails: while it cannot
   * listen it says so, and goes on trying.
   *
   * @param options - `checkIntervalMs`: how often it makes sure that news still arrive.
   */
  subscribe(listener: RegistryListener, options: { readonly checkIntervalMs: number }): Subscription;

  /** Takes everyone off, and begins a new era: nobody who is on the way back finds his login again. */
  clear(): Promise<void>;

  /** Lets go of whatever the registry opened by itself. What was passed in stays open. */
  close(): Promise<void>;
}
