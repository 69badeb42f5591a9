import { randomBytes } from "node:crypto";
import { debugError } from "../util/debug.js";
import { Deadline } from "../util/deadline.js";
import { warn } from "../util/warning.js";
import type { AuditEntry, AuditOptions } from "./entry.js";

const TIMEOUT_MS = 10_000;
export const MAX_LOGIN_IDS = 1_000;

/** An entry without what every entry has. */
export type AuditedEvent = Omit<AuditEntry, "id" | "at" | "appId"> & { readonly id?: string; readonly at?: Date };

/** The log of the app has not settled in time. */
export class AuditTimeout extends Error {}

/** Writes entries to the audit log of the app. */
export class Audit {
  readonly #appId: string;
  readonly #log: AuditOptions["log"];
  readonly #deadline: Deadline;
  /** The entries of {@link note} that are being written. */
  readonly #noted = new Set<Promise<void>>();
  #hasWarned = false;

  constructor({ appId, log, timeoutMs = TIMEOUT_MS }: { appId: string; timeoutMs?: number } & AuditOptions) {
    this.#appId = appId;
    this.#log = log;
    this.#deadline = new Deadline(timeoutMs);
  }

  /** Writes an entry. Rejects with what the log throws or rejects with, or with an {@link AuditTimeout}. */
  async write(event: AuditedEvent): Promise<void> {
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
        resolve(log(this.#entryOf(event)));
      });
      await Promise.race([written, timeout]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Writes an entry of something that must not wait or fail. A failing log is a process warning, once. */
  note(event: AuditedEvent): void {
    if (this.#log === undefined) return;
    const noted: Promise<void> = this.write(event)
      .catch((error: unknown) => {
        debugError("audit.log failed", error);
        if (this.#hasWarned) return;
        this.#hasWarned = true;
        warn("EXPRESS_LOGOUT_AUDIT", "audit.log failed, so entries are missing. Further failures are not reported.");
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
      userId: oneLine(event.userId),
      loginIds: loginIds?.slice(0, MAX_LOGIN_IDS),
      logins: event.logins,
      by: oneLine(event.by),
      reason: oneLine(event.reason),
      ip: oneLine(event.ip),
      userAgent: oneLine(event.userAgent),
    };
  }
}

/** Replaces what would begin a new line in a log, or control a terminal. Source: OWASP ASVS 5.0 16.4.1. */
function oneLine(text: string | undefined): string | undefined {
  return text?.replace(/[\p{Cc}\u2028\u2029]+/gu, " ").toWellFormed();
}
