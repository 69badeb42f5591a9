import type { AuditEntry } from "express-logout";
import type { Logger } from "pino";

const CATEGORIES: Readonly<Record<AuditEntry["action"], readonly [category: string, type: string]>> = {
  login: ["authentication", "start"],
  logout: ["session", "end"],
  confirmed: ["authentication", "info"],
  kick: ["session", "end"],
  "kick-everyone": ["session", "end"],
  limit: ["session", "end"],
  lifetime: ["session", "end"],
  rejected: ["session", "info"],
  denied: ["api", "denied"],
};

/** Writes each entry as one line of JSON, with the names of the Elastic Common Schema. */
export function auditToPino(logger: Logger): (entry: AuditEntry) => void {
  return ({ id, at, action, outcome, code, appId, userId, loginIds, logins, by, reason, ip, userAgent }) => {
    const [category, type] = CATEGORIES[action];
    logger.info({
      "@timestamp": at,
      event: { id, action, outcome, reason, category: [category], type: [type], dataset: "express-logout.audit" },
      error: code === undefined ? undefined : { code },
      service: { name: appId },
      user: userId === undefined ? undefined : { id: userId },
      source: ip === undefined ? undefined : { ip },
      user_agent: userAgent === undefined ? undefined : { original: userAgent },
      express_logout: { by, login_ids: loginIds, logins },
    });
  };
}
