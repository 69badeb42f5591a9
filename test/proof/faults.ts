import { MemoryLoginRegistry } from "../../lib/index.js";
import type { KickRecord } from "../../lib/types/login.js";
import type {
  AddOptions,
  AddResult,
  EndOfLogin,
  EndResult,
  EndTarget,
  ListedLogin,
  LoginChange,
  NewLogin,
  UpdateResult,
} from "../../lib/types/registry.js";
import { generationAfter } from "../../lib/registry/generation.js";

/** Every login is listed, with every session id. */
class NoCheckOnRead extends MemoryLoginRegistry {
  override find(userId: string, id: string): Promise<ListedLogin> {
    const now = new Date();
    const sids = Object.assign([], { includes: () => true });
    return Promise.resolve({ id, userId, began: now, lastActive: now, expires: now, shownUntil: now, sids });
  }
}

/** A save lists its login, even after that login has ended. */
class AddOnSave extends MemoryLoginRegistry {
  readonly #sids = new Map<string, string>();

  override add(login: NewLogin, options?: AddOptions): Promise<AddResult> {
    if (options?.since === undefined) this.#sids.set(login.id, login.sid);
    return super.add(login, options);
  }

  override async update(userId: string, id: string, change: LoginChange): Promise<UpdateResult> {
    const { addSid: sid = this.#sids.get(id), ttlMs } = change;
    if (sid === undefined || ttlMs === undefined) return super.update(userId, id, change);
    await this.add({ id, userId, sid, ttlMs });
    return true;
  }
}

/** `regenerate()` leaves the old session id on the list. */
class NoSuspension extends MemoryLoginRegistry {
  override update(userId: string, loginId: string, change: LoginChange): Promise<UpdateResult> {
    return super.update(userId, loginId, { ...change, removeSid: undefined });
  }
}

/** Adopts a kicked user's session as if the user had not been kicked. */
class AdoptWithoutRecord extends MemoryLoginRegistry {
  readonly #records = new Map<string, KickRecord>();
  #everyone: KickRecord | undefined;

  override end(userId: string, target: EndTarget): Promise<EndResult> {
    if (target.loginId === undefined) this.#records.set(userId, target.kick);
    return super.end(userId, target);
  }

  override kickEveryone(record: KickRecord): Promise<void> {
    this.#everyone = record;
    return super.kickEveryone(record);
  }

  override add(login: NewLogin, { since }: AddOptions = {}): Promise<AddResult> {
    const generation = generationAfter(this.#records.get(login.userId)?.id, this.#everyone?.id);
    return super.add(login, { since: since && { ...since, generation } });
  }
}

/** Ends one login in another way. */
abstract class EndsLogins extends MemoryLoginRegistry {
  override end(userId: string, target: EndTarget): Promise<EndResult> {
    return super.end(userId, target.loginId === undefined ? target : this.changed(target));
  }

  protected abstract changed(end: EndOfLogin): EndOfLogin;
}

/** An end without a kick is not remembered. An adopted session is adopted again. */
class ForgetsEnds extends EndsLogins {
  protected override changed(end: EndOfLogin): EndOfLogin {
    return { ...end, remember: false, ifListed: true };
  }
}

/** A kick that is repeated gets only the logins that are still listed. */
class KeepsNoUnfinishedKick extends MemoryLoginRegistry {
  override async end(userId: string, target: EndTarget): Promise<EndResult> {
    const result = await super.end(userId, target);
    if (target.loginId !== undefined) return result;
    await super.finishKick(
      userId,
      result.ended.map(({ id }) => id),
    );
    return result;
  }
}

/** A session that is gone ends its login, wherever else it lives. */
class LosesLogins extends EndsLogins {
  protected override changed(end: EndOfLogin): EndOfLogin {
    return { ...end, ifSid: undefined, ifLastSid: undefined };
  }
}

/** Nothing comes of a session that is gone. */
class KeepsGhosts extends MemoryLoginRegistry {
  override end(userId: string, target: EndTarget): Promise<EndResult> {
    if (target.loginId === undefined || target.ifLastSid === undefined) return super.end(userId, target);
    return Promise.resolve({ ended: [], endCount: 0 });
  }
}

/** A login is shown for as long as it is kept, regardless of its session's present lifetime. */
class ShownWhileKept extends MemoryLoginRegistry {
  readonly #keptUntil = new Map<string, number>();

  override add(login: NewLogin, options?: AddOptions): Promise<AddResult> {
    if (options?.since === undefined) this.#keptUntil.set(login.id, Date.now() + login.ttlMs);
    return super.add(login, options);
  }

  override update(userId: string, loginId: string, change: LoginChange): Promise<UpdateResult> {
    if (change.ttlMs === undefined) return super.update(userId, loginId, change);
    const now = Date.now();
    const until = Math.max(this.#keptUntil.get(loginId) ?? 0, now + change.ttlMs);
    this.#keptUntil.set(loginId, until);
    return super.update(userId, loginId, { ...change, ttlMs: until - now });
  }
}

/** Mistakes that the design rules out. Each must break a promise that the histories check. */
export const FAULTS = {
  "no check on read": NoCheckOnRead,
  "add instead of update on save": AddOnSave,
  "no suspension on regenerate": NoSuspension,
  "adopt without the kick record": AdoptWithoutRecord,
  "forget logged-out users": ForgetsEnds,
  "keep nothing for a repeated kick": KeepsNoUnfinishedKick,
  "a session that is gone ends its login": LosesLogins,
  "a session that is gone keeps its login": KeepsGhosts,
  "shown while kept": ShownWhileKept,
} satisfies Readonly<Record<string, new () => MemoryLoginRegistry>>;

/** An old session is adopted beyond the limit. */
class NoLimitAtAdoption extends MemoryLoginRegistry {
  override add(login: NewLogin, options: AddOptions = {}): Promise<AddResult> {
    return super.add(login, options.since === undefined ? options : { ...options, limit: undefined });
  }
}

/** The limit refuses no one. */
class RefusesNoOne extends MemoryLoginRegistry {
  override add(login: NewLogin, options: AddOptions = {}): Promise<AddResult> {
    const { limit } = options;
    return super.add(login, limit?.whenFull === "refuse" ? { ...options, limit: undefined } : options);
  }
}

/** A login lasts as long as its session. */
class NoLifetime extends MemoryLoginRegistry {
  override add(login: NewLogin, options?: AddOptions): Promise<AddResult> {
    return super.add({ ...login, lastsMs: undefined, idleMs: undefined }, options);
  }
}

/** The same, of limits and lifetimes. That a new session id counts, the contract suite checks: random histories seldom come to it. */
export const POLICY_FAULTS = {
  "adopt beyond the limit": NoLimitAtAdoption,
  "refuse no one": RefusesNoOne,
  "no lifetime": NoLifetime,
};
