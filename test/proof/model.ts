import type {
  AddOptions,
  AddResult,
  EndResult,
  EndTarget,
  ListedLogin,
  LoginChange,
  NewLogin,
  UpdateResult,
} from "../../lib/types/registry.js";
import { stampOf } from "../../lib/session/stamp.js";
import type { KeyRow } from "../../lib/types/login-keys.js";
import { keyDigest } from "../../lib/util/login-key.js";
import { faultsAtRest, type Rest } from "./at-rest.js";
import { BY_POLICY, PolicyModel, type Policy } from "./policy.js";
import type { Actor } from "./schedule.js";
import type { SharedSessions, Stored, StoreWatcher } from "./shared-store.js";

/** A promise that a history has broken. */
export class Violation extends Error {}

const EXPIRY = {};
const DELETED = {};

/** One login, as the app knows it: it gives each a tag, which goes along through every rotation. */
export interface ModelLogin {
  readonly tag: string;
  readonly user: string;
  /** When a session with it was first written: it has begun. */
  storedAt?: number;
  /** The time since which no request may be served with this login. */
  endedAt?: number;
  /** The time since which a kick forbids it. */
  kickedAt?: number;
  loginId?: string | undefined;
  /** Every id under which it has been listed, or may have been. */
  readonly ids: Set<string>;
  /** The registry knows of it: an old login only from its first request on. */
  isAdopted: boolean;
  /** When it was last on the list. */
  listedAt: number;
  /** When the registry has last found it. Redis finds one that has expired as well, until another step drops it. */
  foundAt: number;
  /** What may have ended it: as long as there is anything, the model does not ask that it is served. */
  readonly doubts: Set<object>;
  readonly sids: Set<string>;
  /** The session ids that it has left for others, and when. */
  readonly left: Map<string, number>;
  /**
   * A job sets a copy of its session that was made in the login request itself and carries no stamp of it. It may bring the login back
   * after a logout, under another id: only a kick of its user, or of everyone, is certain to hold.
   */
  isCopied: boolean;
  /** A process died that was about to write its session, or had just written it. */
  isCutOff: boolean;
  /** The keys that it is bound to, before its session is written. */
  readonly bound: Set<unknown>;
  /** A session with its stamp was written, so it was bound by then. */
  isStamped: boolean;
  /** When it was bound, a mark applied to it. */
  isMarked: boolean;
  /** Its session's lifetime was changed, and nothing else can have written another one: once, and once again, at the same time. */
  lifetime: "as it began" | "shortened" | "uncertain";
  /** Its session was deleted in the store. */
  isDeleted: boolean;
  /** Its lifetime may have been over when it was kicked: its data is removed when its session is asked for. */
  mayBeOver: boolean;
  /** The limit has ended it. */
  isBeyondLimit: boolean;
  /** A request has begun to end it: a kick that comes later finds nothing of it. */
  isLoggedOut: boolean;
}

/** A job that sets a session without a request. */
export interface Job extends Actor {
  /** The login whose session it has a copy of. */
  login?: ModelLogin | undefined;
  sets?: boolean;
}

/** The effect of a request on the logged-in user. */
export interface Change {
  /** In this session. */
  readonly sid: string | undefined;
  readonly ends?: ModelLogin | undefined;
  readonly begins?: ModelLogin | undefined;
  readonly rotates?: "regenerate" | "by hand" | undefined;
  /** A login that the request found before another login, and that must continue. */
  readonly resumes?: ModelLogin | undefined;
}

/** A request. */
export interface Visit extends Actor {
  readonly cookie: string | undefined;
  /** The time since which its reads of the session count. */
  readAt: number;
  /** The login that it must find. */
  expected?: { readonly login: ModelLogin; readonly sid: string } | undefined;
  /** The login that it has found. */
  login?: ModelLogin | undefined;
  /** All logins that it has found, the latest last: a request may read its session more than once. */
  readonly met: Set<ModelLogin>;
  /** No session that it read from the store had a user. */
  isAnonymous: boolean;
  readonly isHarmless: boolean;
  /** It went to a process without the package. */
  readonly isPlain: boolean;
  registryCalls: number;
  change?: Change & { readonly at: number; isAlone: boolean };
  /** The limit has refused the login that it begins. */
  isRefused?: boolean;
  /** It changes how long its session lives. */
  changesLifetime?: boolean;
  /** Time has passed since it began: what it saves ends when its cookie does, and its login is listed for longer. */
  isSlow?: boolean;
  /** Every login whose session it has read. */
  readonly hasRead: Set<ModelLogin>;
  /** The logins whose lifetime was over when it began to read. */
  overAtReading?: ReadonlySet<ModelLogin>;
}

export interface Kick extends Actor {
  calledAt: number;
  /**
   * It tells the logins of this user apart: a process without the package, which knows no logins, may have made two of one by copying
   * its session.
   */
  readonly namesLoginOf: (user: string) => boolean;
  readonly covers: (login: ModelLogin) => boolean;
  /** Has ended once the kick is answered, also if it is written later. Default: none. */
  readonly coversLater?: ((login: ModelLogin) => boolean) | undefined;
  /** Stays, if it is listed when it comes to that. */
  readonly spares?: (login: ModelLogin) => boolean;
  /** "the list": it ends what it finds on the list, and prevents no adoption. Default: everything. */
  readonly of?: "everything" | "the list";
  /** What was on the list when it was called, and has stayed there. */
  found?: Set<ModelLogin>;
}

/**
 * The users who may, must and must not be served.
 *
 * What happens at the same time as an end may survive it or not, and so may what two requests write to one session at the
 * same time; of both the model demands nothing. Everything else it demands, unless a process without the package is at work as
 * well: then only that a kick of a user, or of everyone, holds in all the others.
 */
export class Model implements StoreWatcher {
  readonly logins: ModelLogin[] = [];
  sessions: SharedSessions | undefined;
  violation: Violation | undefined;
  requests = 0;
  kicks = 0;
  #now = 0;
  #begun = 0;
  #added = 0;
  /** The logins that the registry was ever asked to list, by user and id: two users of one session may share an id. */
  readonly #ids = new Map<string, { readonly userId: string; readonly id: string }>();
  /** Those that a kick has counted, and when. */
  readonly #counted = new Map<string, number>();
  /** The session ids for which a login was to be listed, or to leave another one. */
  readonly #awaited = new Set<string>();
  /** Which login a node has last found in a session. */
  readonly #known = new Map<object, Map<string, ModelLogin>>();
  /** The logged-in user of each session, as far as certain. */
  readonly #placed = new Map<string, ModelLogin>();
  /** When that was last made uncertain. */
  readonly #displacedAt = new Map<string, number>();
  /** The requests that have changed how long a session lives since everything last came to rest, by session id. */
  readonly #lifetimeChanges = new Map<string, Set<Visit>>();
  readonly #visits = new Set<Visit>();
  /** The requests that have been answered before their last save was done, since everything last came to rest. */
  readonly #stillSaving = new Set<Visit>();
  /** The logins that are listed for two minutes, until their session is written: a limit may refuse them. */
  readonly #provisional = new Set<ModelLogin>();
  readonly #kicks = new Set<Kick>();
  readonly #jobs = new Set<Job>();
  readonly #kicksAlone: boolean;
  readonly #hasKeys: boolean;
  readonly #policy: PolicyModel;
  /** The users who were served in the last step. */
  readonly #served: { readonly name: string; readonly login: ModelLogin; readonly readAt: number }[] = [];

  constructor({
    kicksAlone = false,
    policy = {},
    hasKeys = false,
  }: { kicksAlone?: boolean; policy?: Policy | undefined; hasKeys?: boolean } = {}) {
    this.#hasKeys = hasKeys;
    this.#kicksAlone = kicksAlone;
    this.#policy = new PolicyModel(policy);
  }

  /** A login from before the installation. */
  plant(user: string, tag: string, sid: string): void {
    const login = this.#login(user, tag);
    login.isAdopted = false;
    login.storedAt = this.#tick();
    login.sids.add(sid);
    this.#placed.set(sid, login);
    this.#checkLimit(user);
  }

  /** The app logs a user in. */
  begin(user: string, tag: string): ModelLogin {
    this.#begun += 1;
    const login = this.#login(user, tag);
    for (const kick of this.#kicks) if (kick.covers(login)) login.doubts.add(kick);
    this.#checkLimit(user);
    return login;
  }

  visitBegins(visit: Visit): void {
    this.requests += 1;
    this.#visits.add(visit);
    this.reads(visit, visit.cookie);
  }

  /** From now on it reads its session anew. */
  reads(visit: Visit, sid: string | undefined): void {
    visit.readAt = this.#tick();
    visit.overAtReading = new Set(this.logins.filter((login) => this.#policy.isOver(login)));
    const login = sid === undefined ? undefined : this.#alive(sid);
    visit.expected = sid === undefined || login === undefined ? undefined : { login, sid };
  }

  /** The app has received a session: a user's, or an anonymous one. */
  found(visit: Visit, sid: string | undefined, tag: string | undefined): void {
    const login = tag === undefined ? undefined : this.logins.find((known) => known.tag === tag);
    const { expected, readAt } = visit;
    visit.login = login;
    visit.expected = undefined;
    this.#knows(visit.node, sid, login);
    if (login !== undefined) {
      visit.met.delete(login);
      visit.met.add(login);
    }
    if (visit.isPlain) return;
    if (expected !== undefined && expected.login !== login) {
      this.#violate(`I4, I8: ${visit.name} does not find ${expected.login.tag} in ${expected.sid}, which is alive`);
    }
    if (login === undefined) return;
    const leftAt = sid === undefined ? undefined : login.left.get(sid);
    const endedAt = login.isCopied ? login.kickedAt : login.endedAt;
    if (endedAt !== undefined && endedAt < readAt) {
      this.#violate(`I3, I5: ${visit.name} is served as ${login.tag}, which had ended before`);
    }
    if (leftAt !== undefined && leftAt < readAt && !login.isCopied) {
      this.#violate(`I5: ${visit.name} is served as ${login.tag} in ${String(sid)}, which it had left before`);
    }
    if (visit.overAtReading?.has(login) === true) {
      this.#violate(`T: ${visit.name} is served as ${login.tag}, whose lifetime was over before`);
    }
    this.#served.push({ name: visit.name, login, readAt });
    if (visit.isSlow === true) login.lifetime = "uncertain";
    for (const other of this.#visits) {
      if (other === visit || other.login !== login) continue;
      if (other.change !== undefined) other.change.isAlone = false;
    }
    const others = [...this.#visits, ...this.#stillSaving].filter((other) => other !== visit && other.login === login);
    if (others.some((other) => other.changesLifetime === true)) login.lifetime = "uncertain";
  }

  /** From now on its session lives for another time. */
  changesLifetime(visit: Visit, isShorter: boolean): void {
    visit.changesLifetime = true;
    if (visit.cookie !== undefined) {
      const changers = this.#lifetimeChanges.get(visit.cookie) ?? new Set();
      this.#lifetimeChanges.set(visit.cookie, changers.add(visit));
    }
    // Another request may put another login into the same session, whose lifetime is then the one that comes last.
    for (const { change } of [...this.#visits, ...this.#stillSaving].filter((other) => other !== visit)) {
      if (change === undefined || change.sid !== visit.cookie) continue;
      for (const login of [change.begins, change.resumes]) if (login !== undefined) login.lifetime = "uncertain";
    }
    const { begins, resumes } = visit.change ?? {};
    const login = begins ?? resumes ?? visit.login;
    if (login === undefined) return;
    const others = [...this.#visits, ...this.#stillSaving].filter(
      (other) => other !== visit && (other.hasRead.has(login) || other.login === login),
    );
    const isFirst = login.lifetime === "as it began" && others.length === 0;
    login.lifetime = isShorter && isFirst ? "shortened" : "uncertain";
  }

  /** The app has asked for its session again, and there is none. */
  notFound(visit: Visit): void {
    if (visit.expected !== undefined) this.#violate(`I4, I8: ${visit.name} does not find its session again`);
  }

  /** From now on it changes who is logged in. */
  changes(visit: Visit, change: Change): void {
    const { sid, ends, rotates, resumes } = change;
    const at = this.#tick();
    const others = [...this.#visits].filter((other) => other !== visit && other.login === visit.login);
    visit.change = { ...change, at, isAlone: others.length === 0 };
    const { begins } = change;
    if (ends !== undefined) ends.isLoggedOut = true;
    const changers = [...(this.#lifetimeChanges.get(sid ?? "") ?? [])];
    const isUncertain = visit.isSlow === true || changers.some((other) => other !== visit);
    for (const login of [begins, resumes]) if (isUncertain && login !== undefined) login.lifetime = "uncertain";
    if (sid !== undefined) {
      this.#displace(sid);
      for (const known of this.#known.values()) known.delete(sid);
      for (const login of this.logins) if (login !== visit.login && login.sids.has(sid)) this.#doubt(login, visit);
    }
    for (const login of [ends, resumes]) if (login !== undefined) this.#doubt(login, visit);
    // A request whose login was kicked must not go on as another user.
    if (this.#hasKeys && begins !== undefined && visit.login !== undefined) begins.doubts.add(visit);
    if (rotates === "by hand" && visit.login !== undefined) {
      this.#doubt(visit.login, visit);
      for (const { found } of this.#kicks) found?.delete(visit.login);
      for (const kick of this.#kicks) if (kick.spares?.(visit.login) === true) this.#doubt(visit.login, kick);
      // destroy() ends it wherever else it lives: it goes on where this request puts it.
      for (const [place, login] of this.#placed) if (login === visit.login) this.#displace(place);
    }
  }

  /** A confirmation was refused: the login must have ended. */
  notConfirmed({ name, login }: Visit): void {
    if (login?.doubts.size === 0 && login.endedAt === undefined)
      this.#violate(`I4: ${name} cannot confirm ${login.tag}, which is alive`);
  }

  /** The request has been answered, with this session id. */
  visitEnds(visit: Visit, sid: string | undefined): void {
    const now = this.#tick();
    this.#visits.delete(visit);
    if (visit.hasUnawaitedSave === true) this.#stillSaving.add(visit);
    // A node that has seen a login in a session asks for it while it reads, and takes the session off it if that is gone: once or
    // twice more than it need have asked.
    const { cookie } = visit;
    const wasLogin =
      cookie !== undefined &&
      (this.#awaited.has(cookie) || this.logins.some(({ sids, left }) => sids.has(cookie) || left.has(cookie)));
    if (visit.isAnonymous && visit.isHarmless && visit.registryCalls > (wasLogin ? 2 : 0)) {
      this.#violate(`I7: ${visit.name} is anonymous and has asked the registry`);
    }
    const { change, login } = visit;
    if (change === undefined) return;
    if (visit.isRefused === true && change.sid === sid) {
      this.#continues(visit, change);
      return;
    }
    const isOpen =
      login === undefined || (login.endedAt === undefined && [...login.doubts].every((each) => each === visit));
    if (isOpen) change.begins?.doubts.delete(visit);
    if (change.ends !== undefined && !this.#kicksAlone) change.ends.endedAt ??= now;
    if (change.rotates !== undefined && login !== undefined && change.sid !== undefined)
      login.left.set(change.sid, now);
    if (change.rotates === "by hand" && change.isAlone) login?.doubts.delete(visit);
    const placed = change.begins ?? (change.rotates === undefined ? undefined : login);
    if (placed === undefined || sid === undefined || !placed.sids.has(sid)) return;
    const isDisturbed = (this.#displacedAt.get(sid) ?? 0) > change.at;
    if (isUndoubted(placed) && placed.endedAt === undefined && !isDisturbed) this.#placed.set(sid, placed);
  }

  /** A login in place was refused: its session was not written, so that the login that it would have ended is there as before. */
  #continues(visit: Visit, { sid, ends, at, isAlone }: NonNullable<Visit["change"]>): void {
    if (ends === undefined || sid === undefined) return;
    if (isAlone) ends.isLoggedOut = false;
    ends.doubts.delete(visit);
    const isDisturbed = !isAlone || (this.#displacedAt.get(sid) ?? 0) > at;
    if (isUndoubted(ends) && ends.endedAt === undefined && !isDisturbed) this.#placed.set(sid, ends);
  }

  kickBegins(kick: Kick): void {
    this.kicks += 1;
    if (kick.of === "the list") {
      const rotated = [...this.#visits].filter(({ change }) => change?.rotates === "by hand").map(({ login }) => login);
      kick.found = new Set(this.logins.filter((login) => login.listedAt === this.#now && !rotated.includes(login)));
    }
    kick.calledAt = this.#tick();
    this.#kicks.add(kick);
    for (const login of this.logins) {
      login.mayBeOver ||= this.#policy.mayBeOver(login);
      // What a job has set from a copy may be listed beside the login that was copied: one of the two is spared.
      const isHalfSpared = login.isCopied && kick.spares?.(login) === true;
      if (kick.covers(login) || isHalfSpared) this.#doubt(login, kick);
    }
    // A request that rotates its login by hand takes it off the list for a moment.
    for (const { change, login } of this.#visits) {
      if (change?.rotates === "by hand" && login !== undefined && kick.spares?.(login) === true)
        this.#doubt(login, kick);
    }
  }

  kickEnds(kick: Kick): void {
    const now = this.#tick();
    this.#kicks.delete(kick);
    for (const login of this.logins) {
      if (kick.namesLoginOf(login.user) && (this.#kicksAlone || login.isCopied)) continue;
      if (kick.found?.has(login) === false) continue;
      if (kick.coversLater?.(login) === true) {
        login.endedAt ??= now;
        login.kickedAt ??= now;
      }
      if (login.storedAt === undefined || login.storedAt >= kick.calledAt || !kick.covers(login)) continue;
      login.endedAt ??= now;
      login.kickedAt ??= now;
    }
  }

  /** It was rejected: whom it covers may be off, or not. */
  kickBreaksOff(kick: Kick): void {
    this.#kicks.delete(kick);
  }

  jobBegins(job: Job): void {
    this.#jobs.add(job);
  }

  /**
   * From now on the job sets its copy, which the store has handed out to it or a request has kept.
   *
   * @returns whether it may: a login that its own request has not saved yet has not begun.
   */
  jobSets(job: Job, sid: string, copy: Stored, isKept: boolean): boolean {
    const login = this.#loginOf(copy);
    if (copy.userId !== undefined && login?.storedAt === undefined) return false;
    this.#tick();
    job.login = login;
    job.sets = true;
    if (isKept) this.#displace(sid);
    for (const known of this.#known.values()) known.delete(sid);
    for (const other of this.logins) if (other === login || other.sids.has(sid)) other.lifetime = "uncertain";
    const isStamped = stampOf({ ...copy })?.userId === copy.userId;
    if (login !== undefined && isKept && !isStamped) login.isCopied = true;
    return true;
  }

  jobEnds(job: Job): void {
    this.#jobs.delete(job);
  }

  /** The session with this id was deleted in the store: of whom it was the model asks nothing any more but that kicks hold. */
  deleted(sid: string): void {
    this.#tick();
    this.#displace(sid);
    for (const login of this.logins) {
      if (!login.sids.has(sid)) continue;
      this.#doubt(login, DELETED);
      login.isDeleted = true;
    }
  }

  /** The nodes that have found a login in this session, and the login that each has found last. */
  nodesThatKnow(sid: string): ReadonlyMap<object, ModelLogin> {
    return new Map(
      [...this.#known].flatMap(([node, sessions]) => {
        const login = sessions.get(sid);
        return login === undefined ? [] : [[node, login]];
      }),
    );
  }

  /** All work on the node is lost. */
  crash(node: object): void {
    this.#known.delete(node);
    for (const job of this.#jobs) {
      if (job.node !== node) continue;
      this.#jobs.delete(job);
      if (job.login !== undefined) job.login.isCutOff = true;
    }
    for (const visit of this.#visits) {
      if (visit.node !== node) continue;
      this.#visits.delete(visit);
      const { begins, resumes } = visit.change ?? {};
      for (const login of [...visit.hasRead, ...visit.met, begins, resumes])
        if (login !== undefined) login.isCutOff = true;
    }
    for (const visit of this.#stillSaving) {
      if (visit.node !== node) continue;
      for (const login of savedBy(visit)) if (this.#provisional.has(login)) this.#doubt(login, visit);
    }
    for (const kick of this.#kicks) if (kick.node === node) this.#kicks.delete(kick);
  }

  /** Time has passed. A request that lasts longer than its session may go on with the login, or not. */
  expire(): void {
    for (const visit of this.#visits) {
      if (visit.expected !== undefined && this.#isExpired(visit.expected.sid)) visit.expected = undefined;
      visit.isSlow = true;
      for (const login of [...visit.hasRead, ...visit.met, visit.change?.begins])
        if (login !== undefined) login.lifetime = "uncertain";
    }
    for (const login of this.logins) {
      if ([...login.sids].every((sid) => this.#isExpired(sid))) this.#doubt(login, EXPIRY);
      if (this.#policy.mayBeOver(login)) this.#doubt(login, BY_POLICY);
    }
  }

  read(_sid: string, stored: Stored | undefined, actor: Actor): void {
    const visit = actor as Visit;
    if (!this.#visits.has(visit)) return;
    visit.isAnonymous &&= stored?.userId === undefined && stored?.expressLogout === undefined;
    const login = stored && this.#loginOf(stored);
    if (login !== undefined) visit.hasRead.add(login);
  }

  /**
   * Where a job sets an old copy over a session of the same user, the stamp that is there stays: from then on the data is that
   * login's.
   */
  tagOf(stored: Stored, actor: Actor | undefined): string | undefined {
    if (!this.#jobs.has(actor as Job)) return stored.tag;
    const id = stampOf({ ...stored })?.loginId;
    const login = this.logins.find(({ user, ids }) => user === stored.userId && id !== undefined && ids.has(id));
    return login?.tag ?? stored.tag;
  }

  wrote(sid: string, stored: Stored | undefined, actor: Actor, isTorn: boolean): void {
    const now = this.#tick();
    // A cookie that is over when it is written ends the session, as it does without this package.
    if (isTorn || this.#isExpired(sid)) this.#displace(sid);
    const login = stored && this.#loginOf(stored);
    if (stored?.userId === undefined || login === undefined) return;
    login.storedAt ??= now;
    login.sids.add(sid);
    for (const visit of this.#visits) {
      if (visit !== actor && visit.change?.sid === sid && visit.login !== login) this.#doubt(login, visit);
    }
    const loginId = stampOf({ ...stored })?.loginId;
    if (loginId === undefined) return;
    login.isAdopted = true;
    login.isStamped = true;
    login.ids.add(loginId);
    if (login.isCopied) return;
    login.loginId ??= loginId;
    const namesakes = this.logins.filter((other) => other.user === login.user && other.loginId === loginId);
    if (login.loginId !== loginId || namesakes.length > 1) this.#violate(`I2: ${login.tag} is listed anew`);
  }

  /** The registry is asked for something. */
  asked(method: string, [first, second, change]: readonly unknown[], actor: Actor | undefined): void {
    const visit = actor as Visit | undefined;
    if (visit !== undefined && this.#visits.has(visit)) visit.registryCalls += 1;
    const isNew = (second as AddOptions | undefined)?.since === undefined;
    if (method === "add" && !isNew) actor?.midst?.add("an adoption");
    if (method === "update") {
      const { addSid, lastsMs } = change as LoginChange;
      if (addSid !== undefined) this.#awaited.add(addSid);
      const updated = this.logins.find(({ user, ids }) => user === first && ids.has(String(second)));
      if (updated !== undefined) this.#policy.active(updated);
      if (updated !== undefined && lastsMs !== undefined) this.#policy.mayBegin(updated);
    }
    if (method !== "add") return;
    const { userId, sid, id } = first as NewLogin;
    this.#awaited.add(sid);
    const added = this.logins.find(({ user, ids }) => user === userId && ids.has(id));
    if (added !== undefined) this.#policy.active(added);
    this.#ids.set(nameOf({ userId, id }), { userId, id });
    const job = this.#jobs.has(actor as Job) ? (actor as Job) : undefined;
    if (isNew && job !== undefined) this.#violate(`I2: ${job.name} begins a login, and is no request`);
    const old = this.logins.find(({ user, sids, isAdopted }) => !isAdopted && user === userId && sids.has(sid));
    const login = isNew ? visit?.change?.begins : (old ?? (job?.login?.isCopied === true ? job.login : undefined));
    if (login === undefined) return;
    login.ids.add(id);
    // Until it is written, it may be listed anew, under another id or by another request.
    if (login.listedAt < 0) this.#policy.began(login);
    // What could not be added is added again, under another id.
    if (isNew) login.loginId = id;
    else login.loginId ??= id;
  }

  /** The registry has answered. */
  answered(method: string, [first, second, change]: readonly unknown[], answer: unknown): void {
    const isNew = (second as AddOptions | undefined)?.since === undefined;
    if (method === "add" && isNew && (answer as AddResult).outcome === "listed") {
      this.#added += 1;
      if (this.#added > this.#begun) this.#violate("I2: a login is listed that was never begun");
    }
    if (method === "add" && isNew) {
      const { userId, id } = first as NewLogin;
      const visit = [...this.#visits].find(
        ({ change }) => change?.begins?.user === userId && change.begins.ids.has(id),
      );
      // Its next save may find a place.
      if (visit !== undefined) visit.isRefused = (answer as AddResult).outcome === "full";
    }
    if (method === "add" && (answer as AddResult).outcome === "listed") {
      const { userId, id } = first as NewLogin;
      const login = this.logins.find(({ user, ids }) => user === userId && ids.has(id));
      if (login !== undefined && (second as AddOptions | undefined)?.limit?.whenFull === "refuse")
        this.#provisional.add(login);
    }
    if (method === "update" && answer !== false) {
      const { ttlMs, lastsMs } = change as LoginChange;
      const login = this.logins.find(({ user, ids }) => user === first && ids.has(String(second)));
      if (login !== undefined && ttlMs !== undefined) this.#provisional.delete(login);
      if (login !== undefined && lastsMs !== undefined) this.#policy.beganAgain(login);
    }
    if (method === "bind") {
      const { userId, loginId } = second as KeyRow;
      const login = this.logins.find(({ user, ids }) => user === userId && ids.has(loginId));
      login?.bound.add(first);
      if (login !== undefined && answer !== undefined) login.isMarked = true;
    }
    if (method === "add" || method === "update") this.#limited(answer as AddResult | UpdateResult);
    if (method === "end" && (second as EndTarget).loginId === undefined) {
      const now = this.#tick();
      for (const { id } of (answer as EndResult).ended) {
        const name = nameOf({ userId: String(first), id });
        if (!this.#counted.has(name)) this.#counted.set(name, now);
      }
    }
  }

  /** A point in time, to be compared with others. */
  moment(): number {
    return this.#tick();
  }

  /** A page that was asked for at that time shows these logins. */
  shown(page: string, askedAt: number, logins: readonly { readonly id: string; readonly userId: string }[]): void {
    const ended = logins.find((login) => (this.#counted.get(nameOf(login)) ?? askedAt) < askedAt);
    if (ended !== undefined) this.#violate(`L: ${page} shows ${ended.id} of ${ended.userId}, which a kick has counted`);
  }

  /** The ids to look up in the registry, to know the listed logins. */
  get ids(): readonly { readonly userId: string; readonly id: string }[] {
    return [...this.#ids.values()];
  }

  /** Compares the listed logins with the model. @param expired - those that the registry finds, and no list shows */
  listed(listed: readonly ListedLogin[], expired: readonly ListedLogin[] = []): void {
    const now = this.#tick();
    for (const { userId, id } of [...listed, ...expired]) {
      for (const login of this.logins) if (login.user === userId && login.ids.has(id)) login.foundAt = now;
    }
    const entries = new Map<ModelLogin, ListedLogin>();
    for (const login of this.logins) {
      const entry = listed.find(({ userId, id }) => userId === login.user && login.ids.has(id));
      if (entry === undefined) continue;
      entries.set(login, entry);
      login.listedAt = now;
    }
    const again = listed.find((entry) => this.#counted.has(nameOf(entry)));
    const beyond = this.#policy.userBeyond(listed);
    if (beyond !== undefined) this.#violate(`N: ${beyond} has more sessions than the limit allows`);
    if (again !== undefined)
      this.#violate(`I2: a kick has counted ${again.id} of ${again.userId}, and it is listed again`);
    for (const [sid, login] of this.#placed) {
      const expires = +(entries.get(login)?.expires ?? 0);
      // It is answered, and a save that it did not wait for has yet to confirm its login.
      const isBeingSaved = [...this.#stillSaving].some((visit) => savedBy(visit).includes(login));
      if (this.#policy.hasLifetimes || (isBeingSaved && this.#provisional.has(login))) continue;
      // A save that is not waited for writes what the app has changed meanwhile, and records its lifetime a step later.
      if ([...this.#visits].some((visit) => visit.hasUnawaitedSave === true && savedBy(visit).includes(login)))
        continue;
      if (this.#alive(sid) === undefined || !login.isAdopted || expires >= (this.sessions?.expiresAt(sid) ?? 0))
        continue;
      this.#violate(`I8: ${login.tag} is listed until ${String(expires)}, and its session ${sid} lives longer`);
    }
    // A user who was served in this step was listed then, or at least since their session was read. Where another request has
    // lengthened the session, its login may have expired: the end of this request shows it again.
    for (const { name, login, readAt } of this.#served.splice(0)) {
      if (login.foundAt < readAt) this.#violate(`I1: ${name} is served as ${login.tag}, which is not listed`);
    }
  }

  /** Everything has come to rest. */
  rested(rest: Rest): void {
    this.#lifetimeChanges.clear();
    this.#stillSaving.clear();
    const ended = this.logins.find((login) => {
      const { endedAt, kickedAt, isCopied, isCutOff, listedAt } = login;
      const at = isCopied ? kickedAt : endedAt;
      // A process that dies after the listing of a login, before it is bound or the mark that it met has ended it, leaves it listed, and
      // not served, until it expires: a kick by key does not find it.
      if (this.#hasKeys && isCutOff && !isBound(login)) return false;
      return at !== undefined && listedAt === this.#now;
    });
    if (ended !== undefined) this.#violate(`I9: ${ended.tag} has ended and is shown as live`);
    const alive = new Set([...this.#placed.keys()].map((sid) => this.#alive(sid)));
    for (const message of faultsAtRest(this.logins, alive, rest)) this.#violate(message);
    const none = [...rest.lists].find(([user, { total }]) => total === 0 && this.#mustHaveLogin(user));
    if (none !== undefined) this.#violate(`N: the limit has left ${none[0]} no login`);
  }

  /** What the answer of the registry says that a limit has ended. */
  #limited(answer: AddResult | UpdateResult): void {
    const ended = typeof answer === "boolean" ? [] : "outcome" in answer ? listedBy(answer) : answer;
    const now = this.#tick();
    for (const { userId, id } of ended) {
      this.#counted.set(nameOf({ userId, id }), now);
      const login = this.logins.find(({ user, ids }) => user === userId && ids.has(id));
      if (login === undefined || login.isCopied) continue;
      login.isBeyondLimit = true;
      login.endedAt ??= now;
    }
  }

  /** From now on the limit may end any login of the user. */
  #checkLimit(user: string): void {
    const logins = this.logins.filter((login) => login.user === user);
    if (this.#policy.exceeds(logins)) for (const login of logins) this.#doubt(login, BY_POLICY);
  }

  /** Whether nothing but the limit can have ended logins of a user who has a live session. */
  #mustHaveLogin(user: string): boolean {
    const logins = this.logins.filter((login) => login.user === user && login.storedAt !== undefined);
    const isPlain = logins.every((login) => {
      const { endedAt, isBeyondLimit, isCopied, isCutOff, isDeleted, lifetime } = login;
      const isOpen = (endedAt === undefined || isBeyondLimit) && lifetime === "as it began";
      return isOpen && isUndoubted(login) && !isCopied && !isCutOff && !isDeleted;
    });
    const isLive = [...this.#placed].some(
      ([sid, login]) =>
        login.user === user && login.isAdopted && !this.#isExpired(sid) && !this.#policy.mayBeOver(login),
    );
    return this.#policy.hasLimit && isPlain && isLive;
  }

  #login(user: string, tag: string): ModelLogin {
    const login: ModelLogin = {
      tag,
      user,
      isAdopted: true,
      ids: new Set(),
      listedAt: -1,
      foundAt: -1,
      doubts: new Set(),
      sids: new Set(),
      left: new Map(),
      isCopied: false,
      isCutOff: false,
      bound: new Set(),
      isStamped: false,
      isMarked: false,
      lifetime: "as it began",
      isDeleted: false,
      isBeyondLimit: false,
      mayBeOver: false,
      isLoggedOut: false,
    };
    this.logins.push(login);
    return login;
  }

  /** The login whose session this is. */
  #loginOf({ tag }: Stored): ModelLogin | undefined {
    return this.logins.find((login) => login.tag === tag);
  }

  #knows(node: object, sid: string | undefined, login: ModelLogin | undefined): void {
    if (sid === undefined) return;
    const known = this.#known.get(node) ?? new Map<string, ModelLogin>();
    if (login === undefined) known.delete(sid);
    else this.#known.set(node, known.set(sid, login));
  }

  #alive(sid: string): ModelLogin | undefined {
    const login = this.#placed.get(sid);
    if (login === undefined || login.doubts.size > 0 || login.endedAt !== undefined) return undefined;
    return this.#isExpired(sid) ? undefined : login;
  }

  #isExpired(sid: string): boolean {
    return (this.sessions?.expiresAt(sid) ?? 0) <= Date.now();
  }

  #doubt(login: ModelLogin, cause: object): void {
    login.doubts.add(cause);
    for (const visit of this.#visits) if (visit.expected?.login === login) visit.expected = undefined;
  }

  /** What is in this session is not certain any more. */
  #displace(sid: string): void {
    this.#placed.delete(sid);
    this.#displacedAt.set(sid, this.#now);
    for (const visit of this.#visits) if (visit.expected?.sid === sid) visit.expected = undefined;
  }

  /** Not thrown: the code under test may catch it. */
  #violate(message: string): void {
    if (this.#kicksAlone && !message.startsWith("I3")) return;
    this.violation ??= new Violation(message);
  }

  #tick(): number {
    this.#now += 1;
    return this.#now;
  }
}

/** The logins that a save of this request may be about to write. */
function savedBy({ login, change }: Visit): readonly ModelLogin[] {
  return [login, change?.begins, change?.resumes].filter((each) => each !== undefined);
}

/** Whether a login is bound to its keys, and stays. An adopted one has more keys than its own: its session shows that it has them all. */
function isBound({ user, tag, bound, isStamped, isMarked, storedAt }: ModelLogin): boolean {
  const isNew = storedAt === undefined;
  return isStamped || (isNew && !isMarked && [{ user }, { tag }].every((key) => bound.has(keyDigest(key))));
}

/** Whether nothing but a limit or a lifetime may have ended a login. */
function isUndoubted({ doubts }: ModelLogin): boolean {
  return [...doubts].every((doubt) => doubt === BY_POLICY);
}

function listedBy(added: AddResult): readonly ListedLogin[] {
  return added.outcome === "listed" ? added.ended : [];
}

function nameOf({ userId, id }: { readonly userId: string; readonly id: string }): string {
  return `${userId} ${id}`;
}
