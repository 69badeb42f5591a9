import type { Generation, KickRecord } from "../../types/login.js";
import type { Since } from "../../types/registry.js";
import { generationAfter, kickSince } from "../generation.js";
import type { Sql } from "./connection.js";
import { kicksOn, type SparedLogins } from "../spared.js";
import { readKick, readKickId, readSpared, writeText, type Row } from "./records.js";

/** The kicks and ends of a user's logins that are remembered, inside of a transaction. */
export class UserKicks {
  readonly #sql: Sql;
  readonly #user: readonly [app: string, user: string];
  readonly #now: number;

  /** @param user - the application id and the user id, as stored */
  constructor(sql: Sql, user: readonly [app: string, user: string], now: number) {
    this.#sql = sql;
    this.#user = user;
    this.#now = now;
  }

  /** Returns the generation of a login that begins now. */
  generation(): Generation {
    const user = this.userRow();
    const kickId = this.#isRemembered(user) ? readKickId(user) : undefined;
    return generationAfter(kickId, readKickId(this.#everyoneRow()));
  }

  /** Returns the kick of a single login. */
  ofLogin(loginId: string): KickRecord | undefined {
    return readKick(this.endedRow(loginId)?.["kick"]);
  }

  /** Returns the kick of the user or of everyone since a login began. */
  since(loginId: string, generation: Generation, authenticatedAt?: Date): KickRecord | undefined {
    const row = this.userRow();
    const userKick = this.#isRemembered(row) ? readKick(row?.["kick"]) : undefined;
    const kicks = kicksOn(loginId, this.spared(), userKick, readKick(this.#everyoneRow()?.["kick"]));
    return kickSince(generation, ...kicks, authenticatedAt);
  }

  hasEndedSince(loginId: string, { generation, endCount, authenticatedAt }: Since): boolean {
    const isKicked = this.since(loginId, generation, authenticatedAt) !== undefined;
    return isKicked || Number(this.endedRow(loginId)?.["ends"] ?? 0) !== endCount;
  }

  endedRow(loginId: string): Row | undefined {
    return this.#sql.first("findEnded", ...this.#user, writeText(loginId), this.#now);
  }

  /** Returns what the user's last kick has spared. */
  spared(): SparedLogins {
    const row = this.userRow();
    return readSpared(readKickId(row), row?.["kept"], row?.["spared"]);
  }

  userRow(): Row | undefined {
    return this.#sql.first("findUser", ...this.#user);
  }

  #everyoneRow(): Row | undefined {
    return this.#sql.first("findKickOfEveryone", this.#user[0]);
  }

  /** Whether the row of a user has a kick that counts. */
  #isRemembered(row: Row | undefined): boolean {
    return Number(row?.["kick_until"] ?? 0) > this.#now;
  }
}
