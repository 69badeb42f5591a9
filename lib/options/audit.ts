import type { AuditOptions } from "../audit/entry.js";
import { check, isFunction, type Checks } from "./checks.js";

const CHECKS: Checks<AuditOptions> = {
  log: ["a function: (entry) => …", isFunction],
};

export function resolveAudit(options: AuditOptions = {}): AuditOptions {
  check("audit.", options, CHECKS);
  return { log: options.log };
}
