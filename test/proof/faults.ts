import { MemoryLoginRegistry } from "../../lib/index.js";
import type { Era, KickMark, ListedLogin, LoginChange, NewLogin, Since } from "../../lib/login.js";
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

/** Mistakes that the design rules out. Each must break a promise that the histories check. */
export const FAULTS = {
  "no check on read": NoCheckOnRead,
  "add instead of update on save": AddOnSave,
  "no suspension on regenerate": NoSuspension,
  "adopt without the mark": AdoptWithoutMark,
} satisfies Readonly<Record<string, new () => MemoryLoginRegistry>>;
