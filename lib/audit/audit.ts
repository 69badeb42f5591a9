import { randomBytes } from "node:crypto";
import type { HistoryLog } from "../types/history.js";
import { allInTurn } from "../util/all-in-turn.js";
import { debugError } from "../util/debug.js";
import { Deadline } from "../util/deadline.js";
import { MAX_LOGIN_IDS } from "../util/limits.js";
import { optionalLine } from "../util/one-line.js";
import { warn } from "../util/warning.js";
import type { AuditAction, AuditEntry, AuditOptions } from "./entry.js";

const TIMEOUT_MS = 10_000;
/** What the history keeps: not what every user does all the time. */
const KEPT: readonly AuditAction[] = ["kick", "kick-everyone", "limit", "lifetime", "denied"];

/** An entry without what every entry has. */
export type AuditedEvent = Omit<AuditEntry, "id" | "at" | "appId"> & { readonly id?: string; readonly at?: Date };

export interface AuditParts extends Pick<AuditOptions, "log"> {
  readonly appId: string;
  /** Returns the history of the registry that is current. Absent: none is kept. */
  readonly history?: (() => HistoryLog | undefined) | undefined;
  readonly timeoutMs?: number;
}

/** The log of the app has not settled in time. */
export class AuditTimeout extends Error {}

/** Writes entries to the audit log of the app, and into the history. */
export class Audit {
  readonly #appId: string;
  readonly #log: AuditOptions["log"];
  readonly #history: AuditParts["history"];
  readonly #deadline: Deadline;
  /** The entries of {@link note} that are being written. */
  readonly #noted = new Set<Promise<void>>();
  #hasWarned = false;

  constructor({ appId, log, history, timeoutMs = TIMEOUT_MS }: AuditParts) {
    this.#appId = appId;
    this.#log = log;
    this.#history = history;
    this.#deadline = new Deadline(timeoutMs);
  }

  /** The history; `undefined` if none is kept. */
  get history(): HistoryLog | undefined {
    return this.#history?.();
  }

  /**
   * Writes an entry. Rejects with what the log throws or rejects with, with an {@link AuditTimeout}, or with the error of the registry.
   *
   * @param isKept - whether it is for the history. Default: `true`.
   */
  async write(event: AuditedEvent, isKept = true): Promise<void> {
    if (this.#log === undefined && this.#history === undefined) return;
    const entry = this.#entryOf(event);
    await allInTurn(
      () => this.#writeToLog(entry),
      () => (isKept ? this.#keep(entry) : undefined),
    );
  }

  async #writeToLog(entry: AuditEntry): Promise<void> {
    const log = this.#log;
    if (log === undefined) return;
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_resolve, reject) => {
      timer = this.#deadline.start(() => {
        reject(new AuditTimeout(this.#deadline.error().message));
      });
    });
    try {
      // What the log throws in there is a rejection.
      const written = new Promise((resolve) => {
        resolve(log(entry));
      });
      await Promise.race([written, timeout]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Keeps an entry in the history. What a kick record has ended, some registries have kept already. */
  async #keep(entry: AuditEntry): Promise<void> {
    const history = this.#history?.();
    if (history === undefined || !KEPT.includes(entry.action)) return;
    if (!isEnd(entry)) return history.append(entry);
    // Everywhere the same: where the registry has kept the end, it knows no address.
    if (history.keepsEnds !== true) await history.append({ ...entry, ip: undefined, userAgent: undefined });
  }

  /** Writes an entry of something that must not wait or fail. A failing log is a process warning, once. */
  note(event: AuditedEvent, isKept?: boolean): void {
    if (this.#log === undefined && this.#history === undefined) return;
    const noted: Promise<void> = this.write(event, isKept)
      .catch((error: unknown) => {
        debugError("an audit entry could not be written", error);
        if (this.#hasWarned) return;
        this.#hasWarned = true;
        const what = this.#log === undefined ? "The history could not be written" : "audit.log failed";
        warn("EXPRESS_LOGOUT_AUDIT", `${what}, so entries are missing. Further failures are not reported.`);
      })
      .finally(() => this.#noted.delete(noted));
    this.#noted.add(noted);
  }

  /** Waits for the entries that are being written, before the process exits. */
  async settled(): Promise<void> {
    await Promise.all(this.#noted);
  }

  #entryOf({ id, at = new Date(), loginIds, ...event }: AuditedEvent): AuditEntry {
    return {
      id: id ?? randomBytes(9).toString("base64url"),
      at: at.toISOString(),
      action: event.action,
      outcome: event.outcome,
      code: event.code,
      appId: this.#appId,
      userId: optionalLine(event.userId),
      loginIds: loginIds?.slice(0, MAX_LOGIN_IDS),
      logins: event.logins,
      by: optionalLine(event.by),
      reason: optionalLine(event.reason),
      ip: optionalLine(event.ip),
      userAgent: optionalLine(event.userAgent),
    };
  }
}

/** Whether an entry is about logins that a kick record has ended. */
function isEnd({ action, outcome, logins = 0 }: AuditEntry): boolean {
  return (action === "kick" || action === "limit") && outcome === "success" && logins > 0;
}
