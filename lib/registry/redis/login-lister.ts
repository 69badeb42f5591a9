import type {
  AddOptions,
  AddResult,
  ListedLogin,
  LoginChange,
  LoginLimit,
  NewLogin,
  Since,
  UpdateResult,
} from "../../types/registry.js";
import type { KickRecord } from "../../types/login.js";
import { generationAfter, kickIdsOf, kickSince } from "../generation.js";
import type { Connection } from "./connection.js";
import { stepKeys, userKeys, type AppKeys, type UserKeys } from "./keys.js";
import type { LoginEnds } from "./login-ends.js";
import type { LoginIndex } from "./login-index.js";
import type { NotificationChannel } from "./notification-channel.js";
import {
  readKickId,
  readLogins,
  readSpared,
  shownMs,
  SPARED_FIELDS,
  writeChange,
  writeLimit,
  writeLogin,
  writeTime,
} from "./records.js";
import { ADD, ADOPT, UPDATE } from "./scripts/bundle.js";

/** Replies of UPDATE. */
const [NOT_LISTED, SHOWN_SHORTER, SHOWN_NO_MORE, HIDDEN] = [0, 2, 3, 4];

export interface LoginListerOptions {
  readonly connection: Connection;
  readonly keys: AppKeys;
  readonly index: LoginIndex;
  readonly ends: LoginEnds;
  readonly channel: NotificationChannel;
}

/** Lists logins, and changes those that are listed. */
export class LoginLister {
  readonly #connection: Connection;
  readonly #appKeys: AppKeys;
  readonly #index: LoginIndex;
  readonly #ends: LoginEnds;
  readonly #channel: NotificationChannel;

  constructor({ connection, keys, index, ends, channel }: LoginListerOptions) {
    this.#connection = connection;
    this.#appKeys = keys;
    this.#index = index;
    this.#ends = ends;
    this.#channel = channel;
  }

  add(login: NewLogin, { since, limit }: AddOptions): Promise<AddResult> {
    return since === undefined ? this.#addNew(login, limit) : this.#addAgain(login, since, limit);
  }

  async #addNew(login: NewLogin, limit: LoginLimit | undefined): Promise<AddResult> {
    const { userId } = login;
    const keys = this.#keys(userId);
    const [kick, limitArgs] = await Promise.all([
      this.#connection.command("HGET", keys.ended, "*"),
      this.#limitArgs(userId, limit),
    ]);
    const userKickId = readKickId(kick);
    const reply = await this.#connection.run(ADD, stepKeys(keys), [...writeLogin(login), ...limitArgs, userKickId]);
    if (!Array.isArray(reply)) return { outcome: "ended" };
    if (reply.length === 0) return { outcome: "full" };
    const ended = readLogins(userId, reply.slice(1) as string[]);
    const everyone = await this.#index.touch(userId, shownMs(login), { isShorter: ended.length > 0 });
    return listedAfter(userKickId, everyone, ended);
  }

  async #addAgain(
    login: NewLogin,
    { generation, endCount, authenticatedAt }: Since,
    limit: LoginLimit | undefined,
  ): Promise<AddResult> {
    const { userId } = login;
    const [{ pending, everyone }, limitArgs] = await Promise.all([
      this.#index.pend(userId),
      this.#limitArgs(userId, limit),
    ]);
    const refusedBy = (kick: KickRecord | undefined): string =>
      kickSince(generation, undefined, kick, authenticatedAt)?.id ?? "";
    const history = [kickIdsOf(generation)[0], String(endCount), writeTime(authenticatedAt), refusedBy(everyone)];
    const args = [...writeLogin(login), ...limitArgs, ...history];
    const reply = await this.#connection.run(ADOPT, stepKeys(this.#keys(userId)), args);
    const [userKickId, sparedBy = "", isNew, ...fields] = Array.isArray(reply) ? (reply as string[]) : [];
    if (userKickId === undefined) {
      await this.#index.unpend(userId, pending);
      return { outcome: reply === null ? "ended" : Array.isArray(reply) ? "moved" : "full" };
    }
    const ended = readLogins(userId, fields);
    const everyoneSince = await this.#index.touch(userId, shownMs(login), { pending, isShorter: ended.length > 0 });
    const later = refusedBy(everyoneSince);
    if (later === "" || sparedBy.split(" ").includes(later)) return listedAfter(userKickId, everyoneSince, ended);
    const isKept = Number(isNew) === 1 ? await this.#undo(login, endCount, later) : await this.#isSpared(login, later);
    return isKept ? listedAfter(userKickId, everyoneSince, ended) : { outcome: "ended" };
  }

  /**
   * Ends a login that was listed after a kick of everyone, unless that kick has spared it meanwhile. Returns whether it has. The end is
   * remembered, because another request could otherwise list the login again, and its node could die before it looks for the kick.
   */
  async #undo({ userId, id }: NewLogin, endCount: number, kickId: string): Promise<boolean> {
    const end = await this.#ends.one(userId, { loginId: id, remember: true }, this.#connection, kickId);
    return end.endCount === endCount;
  }

  /** Returns whether a kick of everyone has spared a login that was listed before it. */
  async #isSpared({ userId, id }: NewLogin, kickId: string): Promise<boolean> {
    const reply = await this.#connection.command("HMGET", this.#keys(userId).ended, ...SPARED_FIELDS);
    return (
      readSpared(reply as unknown[])
        .get(id)
        ?.includes(kickId) === true
    );
  }

  async update(userId: string, loginId: string, change: LoginChange): Promise<UpdateResult> {
    const [count = "", , ...limitArgs] = await this.#limitArgs(userId, change.limit);
    const args = [...writeChange(loginId, change), count, ...limitArgs];
    const reply = await this.#connection.run(UPDATE, stepKeys(this.#keys(userId)), args);
    const [outcome, shown] = (reply as unknown[]).slice(0, 2).map(Number);
    if (outcome === NOT_LISTED) return false;
    const ended = readLogins(userId, (reply as string[]).slice(2));
    if (outcome === SHOWN_NO_MORE) await this.#index.checkSooner(userId, 0);
    else if (outcome !== HIDDEN && change.ttlMs !== undefined) {
      const isShorter = outcome === SHOWN_SHORTER || ended.length > 0;
      await this.#index.touch(userId, shown ?? 0, { isShorter });
    }
    return ended.length === 0 || ended;
  }

  #keys(userId: string): UserKeys {
    return userKeys(this.#appKeys, userId);
  }

  async #limitArgs(userId: string, limit: LoginLimit | undefined): Promise<string[]> {
    return writeLimit(limit, limit === undefined ? "" : await this.#channel.name(), userId);
  }
}

/** Returns the result for a login that is listed after these kicks. */
function listedAfter(userKickId: string, everyone: KickRecord | undefined, ended: readonly ListedLogin[]): AddResult {
  const generation = generationAfter(userKickId === "" ? undefined : userKickId, everyone?.id);
  return { outcome: "listed", generation, ended };
}
