import { MemoryLoginRegistry } from "../../lib/index.js";
import type { Generation, KickRecord } from "../../lib/types/login.js";
import type {
  EndOfLogin,
  KickEndOptions,
  ListedLogin,
  LoginChange,
  NewLogin,
  Removal,
  Since,
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

  override add(login: NewLogin): Promise<Generation | undefined> {
    this.#sids.set(login.id, login.sid);
    return super.add(login);
  }

  override async update(userId: string, id: string, change: LoginChange): Promise<boolean> {
    const { addSid: sid = this.#sids.get(id), ttlMs } = change;
    if (sid === undefined || ttlMs === undefined) return super.update(userId, id, change);
    await this.add({ id, userId, sid, ttlMs });
    return true;
  }
}

/** `regenerate()` leaves the old session id on the list. */
class NoSuspension extends MemoryLoginRegistry {
  override update(userId: string, loginId: string, change: LoginChange): Promise<boolean> {
    return super.update(userId, loginId, { ...change, removeSid: undefined });
  }
}

/** Adopts a kicked user's session as if the user had not been kicked. */
class AdoptWithoutRecord extends MemoryLoginRegistry {
  readonly #records = new Map<string, KickRecord>();
  #everyone: KickRecord | undefined;

  override removeAll(userId: string, record: KickRecord): Promise<readonly ListedLogin[]> {
    this.#records.set(userId, record);
    return super.removeAll(userId, record);
  }

  override kickEveryone(record: KickRecord): Promise<void> {
    this.#everyone = record;
    return super.kickEveryone(record);
  }

  override adopt(login: NewLogin, since: Since): Promise<Generation | undefined> {
    return super.adopt(login, {
      ...since,
      generation: generationAfter(this.#records.get(login.userId)?.id, this.#everyone?.id),
    });
  }
}

/** An end without a kick is not remembered. An adopted session is adopted again. */
class ForgetsEnds extends MemoryLoginRegistry {
  override remove(userId: string, loginId: string, end: EndOfLogin = {}): Promise<Removal> {
    return super.remove(userId, loginId, { ...end, remember: false, ifListed: true });
  }
}

/** A kick that is repeated gets only the logins that are still listed. */
class KeepsNoUnfinishedKick extends MemoryLoginRegistry {
  override async removeAll(
    userId: string,
    record: KickRecord,
    options?: KickEndOptions,
  ): Promise<readonly ListedLogin[]> {
    const logins = await super.removeAll(userId, record, options);
    await super.finishKick(
      userId,
      logins.map(({ id }) => id),
    );
    return logins;
  }
}

/** A session that is gone ends its login, wherever else it lives. */
class LosesLogins extends MemoryLoginRegistry {
  override remove(userId: string, loginId: string, end: EndOfLogin = {}): Promise<Removal> {
    return super.remove(userId, loginId, { ...end, ifSid: undefined, ifLastSid: undefined });
  }
}

/** Nothing comes of a session that is gone. */
class KeepsGhosts extends MemoryLoginRegistry {
  override remove(userId: string, loginId: string, end: EndOfLogin = {}): Promise<Removal> {
    if (end.ifLastSid === undefined) return super.remove(userId, loginId, end);
    return Promise.resolve({ login: undefined, endCount: 0 });
  }
}

/** A login is shown for as long as it is kept, regardless of its session's present lifetime. */
class ShownWhileKept extends MemoryLoginRegistry {
  readonly #keptUntil = new Map<string, number>();

  override add(login: NewLogin): Promise<Generation | undefined> {
    this.#keptUntil.set(login.id, Date.now() + login.ttlMs);
    return super.add(login);
  }

  override update(userId: string, loginId: string, change: LoginChange): Promise<boolean> {
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
