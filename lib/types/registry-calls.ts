import type { DeviceInfo, Generation, KickRecord, Login } from "./login.js";

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

/** A login to be listed by `add`. */
export interface NewLogin extends DeviceInfo {
  readonly id: string;
  readonly userId: string;
  readonly sid: string;
  /** How long the login is kept and shown without a further `update`, in milliseconds. */
  readonly ttlMs: number;
  /** When the login began. Default: now, by the registry's clock. */
  readonly began?: Date | undefined;
  /**
   * Its absolute lifetime, from `began`, in milliseconds. Ignored without `supports.lifetime`, and if the login is listed already.
   * Default: unlimited.
   */
  readonly lastsMs?: number | undefined;
  /**
   * Its idle lifetime, from the last activity, in milliseconds. Ignored without `supports.lifetime`, and if the login is listed
   * already. Default: unlimited.
   */
  readonly idleMs?: number | undefined;
}

/** How a login is listed. */
export interface AddOptions {
  /** The login began earlier: it is adopted, or resumed by the request that ended it. Default: it begins now. */
  readonly since?: Since | undefined;
  /**
   * The maximum number of logins of this user, the new one included, and what happens to the excess. Ignored without
   * `supports.limit`. Default: unlimited.
   */
  readonly limit?: LoginLimit | undefined;
}

/** The history of a login that began earlier. */
export interface Since {
  /** From the {@link AddResult} that the login had then; `""` for a session that this package has not written. */
  readonly generation: Generation;
  /** How often the login had been ended: {@link EndResult.endCount}; `0` if never. */
  readonly endCount: number;
  /**
   * When the user authenticated, if the app knows. A kick at least a minute before this time does not count; the minute allows
   * for two different clocks. An invalid date counts as none.
   */
  readonly authenticatedAt?: Date | undefined;
}

/**
 * A limit on the number of a user's sessions. Logins that share a session id are one session, as old as its youngest login. A login
 * without a session id counts too: a request is rotating it.
 */
export interface LoginLimit {
  readonly count: number;
  /**
   * `"end"`: ends the least recently active sessions, then the earliest begun, then by login id. `"refuse"`: refuses a login that is
   * not listed yet; an `update` ends as with `"end"`, because refusing it would log the user out.
   */
  readonly whenFull: "end" | "refuse";
  /** The kick that ends the excess. It is remembered, for each of these logins, until the login would have expired. */
  readonly record: KickRecord;
}

/** The result of `add`. */
export type AddResult =
  | {
      readonly outcome: "listed";
      readonly generation: Generation;
      /** What the limit has ended, to be finished by `finishKick`. */
      readonly ended: readonly ListedLogin[];
    }
  /** `"ended"`: a kick, another end or its lifetime came in between. `"moved"`: the login has left this session id. `"full"`: the limit. */
  | { readonly outcome: "ended" | "moved" | "full" };

/**
 * What `update` changes. An `ip` and a `userAgent` are stored only if the login has neither; absent fields
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
  /**
   * Restarts the absolute lifetime: it then ends this long from now, in milliseconds. Comes with a `ttlMs`. Ignored without
   * `supports.lifetime`. Default: unchanged.
   */
  readonly lastsMs?: number | undefined;
  /** A limit that holds if the login has `addSid` from now on, and had it not. Ignored without `supports.limit`. Default: unlimited. */
  readonly limit?: LoginLimit | undefined;
}

/** The result of `update`: whether the login is listed. If a limit has ended logins, these: the login itself is then listed. */
export type UpdateResult = boolean | readonly ListedLogin[];

/** What `end` ends. */
export type EndTarget = EndOfLogin | EndOfUser;

/**
 * The end of one login.
 *
 * The end is remembered for `maxSessionAgeMs` if the login was kicked or `remember` is `true`. The end of a login that is not
 * listed is remembered for `maxSessionAgeMs` if `remember` is `true`, otherwise for a day; not at all with `ifListed`, `ifSid`
 * or `ifLastSid`.
 */
export interface EndOfLogin {
  readonly loginId: string;
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

/** The end of all logins of a user, by a kick. The kick record is written also if the user has no login. */
export interface EndOfUser {
  readonly kick: KickRecord;
  /** The ids of logins that do not end if they are listed now; the kick record does not apply to these. Default: none. */
  readonly except?: readonly string[] | undefined;
  /**
   * Whether the kick is one of everyone: what it spares, the same record in {@link LoginRegistry.kickEveryone} spares too. Default:
   * `false`.
   */
  readonly everyone?: boolean | undefined;
  readonly loginId?: undefined;
}

/** The result of `end`. */
export interface EndResult {
  /**
   * The logins that this call ended: of several concurrent calls that end one login, exactly one returns it. With a `kick`, also
   * the logins of earlier kicks, of this login or of the user, without a `finishKick`: a kick that stopped
   * half-way is completed by repeating it.
   */
  readonly ended: readonly ListedLogin[];
  /**
   * How often the login has been ended, this call included if its end is remembered. For {@link Since.endCount}: an `add` with
   * this count lists the login only if no other call has ended it. `0` if all logins were ended.
   */
  readonly endCount: number;
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

/** A user who is online. */
export interface ActiveUserRow {
  readonly userId: string;
  /** The user's newest logins that are shown, newest first: at least one, at most 50. */
  readonly logins: readonly ListedLogin[];
  /** The number of the user's logins that are shown. */
  readonly loginsCount: number;
}
