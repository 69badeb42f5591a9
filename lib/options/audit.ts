import type { AuditOptions } from "../audit/entry.js";
import { LogoutError } from "../errors.js";
import { DEFAULT_LIMITS } from "../registry/history.js";
import type { HistoryLimits, HistoryOptions } from "../types/history.js";
import type { LoginRegistry } from "../types/registry.js";
import { check, isFunction, isObject, type Checks } from "./checks.js";

/** {@link AuditOptions} with every default filled in. */
export interface ResolvedAudit extends AuditOptions {
  readonly history: HistoryLimits | undefined;
}

const AUDIT: Checks<AuditOptions> = {
  log: ["a function: (entry) => …", isFunction],
  history: ["an object: { days, maxEntries }", isObject],
};
/** No time is written that a `Date` or a database cannot hold. */
const MAX_DAYS = 36_500;
const HISTORY: Checks<HistoryOptions> = {
  days: [
    `a number above 0, at most ${String(MAX_DAYS)}`,
    (value) => typeof value === "number" && value > 0 && value <= MAX_DAYS,
  ],
  maxEntries: ["a whole number above 0", (value) => Number.isSafeInteger(value) && Number(value) > 0],
};

/** @throws LogoutError `ERR_OPTION_UNKNOWN`, `ERR_OPTION_INVALID`, `ERR_REGISTRY_UNSUPPORTED` */
export function resolveAudit(options: AuditOptions = {}, registry: LoginRegistry): ResolvedAudit {
  check("audit.", options, AUDIT);
  const { log, history } = options;
  if (history === undefined) return { log, history };
  check("audit.history.", history, HISTORY);
  if (registry.history === undefined) {
    throw new LogoutError(
      "ERR_REGISTRY_UNSUPPORTED",
      "logout(): the registry does not support audit.history. Use a registry of this package, or leave the option out.",
    );
  }
  const { days = DEFAULT_LIMITS.days, maxEntries = DEFAULT_LIMITS.maxEntries } = history;
  return { log, history: { days, maxEntries } };
}
