import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { Pool } from "pg";
import { pino } from "pino";
import type { AuditEntry } from "../../lib/index.js";
import { auditToPino } from "../recipes/audit-pino.js";
import { AUDIT_TABLE, auditToTable } from "../recipes/audit-table.js";
import { auditToWebhook, webhookHeaders } from "../recipes/audit-webhook.js";
import { serve } from "../support/http.js";
import { startPostgres, type PostgresServer } from "../support/postgres-server.js";
import { POOL_ID, useSites } from "../support/site.js";

const open = useSites();
const siteWith = (log: (entry: AuditEntry) => unknown) => open({ auth: { appId: "shop", audit: { log } } });

describe("the recipe for pino", () => {
  it("writes a line for each entry, in the Elastic Common Schema", async () => {
    const lines: string[] = [];
    const site = await siteWith(auditToPino(pino({ base: null }, { write: (line) => lines.push(line) })));
    await site.login("alice");
    await site.auth.kick("alice", { by: "ops", reason: "a\nb" });
    await site.ask("GET", "/api/applications/shop/active-users", { headers: { "x-authing-userpool-id": POOL_ID } });
    expect(lines.every((line) => line.endsWith("\n") && line.indexOf("\n") === line.length - 1)).toBe(true);
    const user = { id: "alice" };
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { event: { action: "login", outcome: "success", category: ["authentication"] }, user },
      {
        "@timestamp": expect.stringMatching(/Z$/),
        event: { action: "kick", outcome: "success", category: ["session"], type: ["end"], reason: "a b" },
        service: { name: "shop" },
        user,
        express_logout: { by: "ops", logins: 1, login_ids: [expect.any(String)] },
      },
      { event: { action: "denied", outcome: "failure" }, error: { code: "ERR_REQUEST_INVALID" } },
    ]);
  });
});

describe("the recipe for a table", () => {
  let server: PostgresServer;
  let pool: Pool;
  beforeAll(async () => {
    server = await startPostgres();
    pool = new Pool({ connectionString: server.url });
  });
  afterAll(async () => {
    await pool.end();
    await server.stop();
  });

  it("has a row for each entry once the kick has resolved; without the table, the kick fails", async () => {
    const site = await siteWith(auditToTable(pool));
    const nul = "alice\u0000\ud800";
    await expect(site.auth.kick(nul)).rejects.toMatchObject({ code: "ERR_AUDIT_FAILED", details: { userIds: [nul] } });
    await pool.query(AUDIT_TABLE);
    await site.auth.kick([nul, "bob"], { by: "ops" });
    const { rows } = await pool.query("SELECT action, user_id, entry->>'by' AS by FROM audit_log ORDER BY user_id");
    expect(rows).toEqual([
      { action: "kick", user_id: "alice \ufffd", by: "ops" },
      { action: "kick", user_id: "bob", by: "ops" },
    ]);
  });
});

describe("the recipe for a webhook", () => {
  const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

  it("signs as the specification's example", () => {
    const body = '{"test": 2432232314}';
    const headers = webhookHeaders(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", body, 1_614_265_330_000);
    expect(headers).toEqual({
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    });
  });

  it("sends each kick, and rejects it while the receiver fails", async () => {
    const received: { body: string; signature: unknown }[] = [];
    let status = 503;
    const server = await serve((req, res) => {
      void text(req).then((body) => {
        const { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": signature } = req.headers;
        const expected = webhookHeaders(SECRET, String(id), body, Number(at) * 1_000);
        if (status === 200) received.push({ body, signature: signature === expected["webhook-signature"] });
        res.writeHead(status).end();
      });
    });
    try {
      const site = await siteWith(auditToWebhook(server.url, SECRET));
      await site.login("alice");
      await expect(site.auth.kick("alice")).rejects.toMatchObject({ code: "ERR_AUDIT_FAILED" });
      status = 200;
      expect(await site.auth.kick("alice")).toEqual({ users: 1, logins: 1 });
      expect(received.map(({ body, signature }) => ({ ...(JSON.parse(body) as object), signature }))).toMatchObject([
        { type: "login.kick", data: { userId: "alice", logins: 1 }, signature: true },
      ]);
    } finally {
      await server.close();
    }
  });
});
