import { createHmac, randomUUID } from "node:crypto";
import type { AuditEntry } from "express-logout";

/**
 * Sends each kick to a URL, signed by Standard Webhooks.
 *
 * @param secret - begins with `whsec_`; the rest is base64.
 */
export function auditToWebhook(url: string, secret: string): (entry: AuditEntry) => Promise<void> {
  return async (entry) => {
    if (!entry.action.startsWith("kick")) return;
    const body = JSON.stringify({ type: `login.${entry.action}`, timestamp: entry.at, data: entry });
    const response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...webhookHeaders(secret, `msg_${randomUUID()}`, body) },
      body,
      signal: AbortSignal.timeout(5_000),
    });
    if (!response.ok) throw new Error(`The webhook was answered ${String(response.status)}.`);
  };
}

/** Returns the headers of a message: https://www.standardwebhooks.com */
export function webhookHeaders(secret: string, id: string, body: string, now = Date.now()): Record<string, string> {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const timestamp = String(Math.floor(now / 1_000));
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` };
}
