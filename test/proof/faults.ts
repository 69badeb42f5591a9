import { MemoryLoginRegistry } from "../../lib/index.js";
import type {
  EndOfLogin,
  Era,
  KickEndOptions,
  KickMark,
  ListedLogin,
  LoginChange,
  NewLogin,
  Removal,
  Since,
} from "../../lib/login.js";
import { eraAfter } from "../../lib/registry/era.js";

/** Every login is listed, with every session id. */
class NoCheckOnRead extends MemoryLoginRegistry {
  override find(userId: string, id: string): Promise<ListedLogin> {
    const now = new Date();
    const sids = Object.assign([], { includes: () => true });
    return Promise.resolve({ id, userId, began: now, lastActive: now, expires: now, shownUntil: now, sids });
  }
}

/** A save lists its login, also where somebody has ended it. */
class AddOnSave extends MemoryLoginRegistry {
  readonly #sids = new Map<string, string>();

  override add(login: NewLogin): Promise<Era | undefined> {
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

/** Whoever has been kicked is adopted as if he had not. */
class AdoptWithoutMark extends MemoryLoginRegistry {
  readonly #marks = new Map<string, KickMark>();
  #everyone: KickMark | undefined;

  override removeAll(userId: string, mark: KickMark): Promise<readonly ListedLogin[]> {
    this.#marks.set(userId, mark);
    return super.removeAll(userId, mark);
  }

  override markAll(mark: KickMark): Promise<void> {
    this.#everyone = mark;
    return super.markAll(mark);
  }

  override adopt(login: NewLogin, since: Since): Promise<Era | undefined> {
    return super.adopt(login, { ...since, era: eraAfter(this.#marks.get(login.userId)?.id, this.#everyone?.id) });
  }
}

/** An end that nobody has kicked is not remembered: what is adopted is adopted again. */
class ForgetsEnds extends MemoryLoginRegistry {
  override remove(userId: string, loginId: string, end: EndOfLogin = {}): Promise<Removal> {
    return super.remove(userId, loginId, { ...end, remember: false, ifListed: true });
  }
}

/** A kick that is repeated gets only the logins that are still listed. */
class NothingAtHand extends MemoryLoginRegistry {
  override async removeAll(userId: string, mark: KickMark, options?: KickEndOptions): Promise<readonly ListedLogin[]> {
    const logins = await super.removeAll(userId, mark, options);
    await super.settle(
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
    return Promise.resolve({ login: undefined, ends: 0 });
  }
}

/** A login is shown for as long as it is kept, whatever its session's lifetime has become. */
class ShownWhileKept extends MemoryLoginRegistry {
  readonly #keptUntil = new Map<string, number>();

  override add(login: NewLogin): Promise<Era | undefined> {
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
  "adopt without the mark": AdoptWithoutMark,
  "forget who has logged out": ForgetsEnds,
  "nothing at hand for a kick that is repeated": NothingAtHand,
  "a session that is gone ends its login": LosesLogins,
  "a session that is gone keeps its login": KeepsGhosts,
  "shown while kept": ShownWhileKept,
} satisfies Readonly<Record<string, new () => MemoryLoginRegistry>>;
