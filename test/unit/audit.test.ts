import { describe, expect, it, jest } from "@jest/globals";
import { Audit } from "../../lib/audit/audit.js";
import type { AuditEntry } from "../../lib/audit/entry.js";
import { KickAudit } from "../../lib/audit/kick-audit.js";
import { LogoutError } from "../../lib/index.js";

const KICK = { id: "the kick", at: new Date("2026-11-29T12:00:00Z"), cause: "kick", reason: "why", by: "ops" } as const;
const ENTRY = { id: "the kick", at: "2026-11-29T12:00:00.000Z", appId: "shop", reason: "why", by: "ops" };
const never = (): Promise<void> => new Promise(() => undefined);

function audited(log: (entry: AuditEntry) => unknown = () => undefined, timeoutMs = 1_000) {
  const entries: AuditEntry[] = [];
  const record = (entry: AuditEntry): unknown => {
    entries.push(entry);
    return log(entry);
  };
  const audit = new Audit({ appId: "shop", log: record, timeoutMs });
  return { entries, audit, kick: new KickAudit(audit, KICK, { from: { ip: "::1", userAgent: "test" } }) };
}

describe("an entry", () => {
  it("has an id, the time and the application", () => {
    const { audit, entries } = audited();
    const before = Date.now();
    audit.note({ action: "login", outcome: "success", userId: "u1" });
    audit.note({ action: "login", outcome: "success", userId: "u1" });
    expect(entries).toHaveLength(2);
    expect(entries[0]).toMatchObject({ action: "login", outcome: "success", appId: "shop", userId: "u1" });
    expect(entries[0]?.id).toMatch(/^[\w-]{12}$/);
    expect(entries[0]?.id).not.toBe(entries[1]?.id);
    expect(Date.parse(entries[0]?.at ?? "")).toBeGreaterThanOrEqual(before);
    expect(entries[0]?.at).toMatch(/Z$/);
  });

  it("stays on one line", () => {
    const { audit, entries } = audited();
    const text = 'a\r\n{"action":"login"}\u2028\u0085\u001b[2J\ud800';
    audit.note({ action: "kick", outcome: "success", userId: text, by: text, reason: text, ip: text, userAgent: text });
    const { userId, by, reason, ip, userAgent } = entries[0] ?? ({} as AuditEntry);
    const oneLine = 'a {"action":"login"} [2J\ufffd';
    expect([userId, by, reason, ip, userAgent]).toEqual(Array(5).fill(oneLine));
  });

  it("has no member beyond those of its type", async () => {
    const { kick, entries } = audited();
    const login = { id: "l1", userId: "u1", sid: "secret", sids: ["secret"] };
    await kick.ended("u1", [login]);
    expect(JSON.stringify(entries)).not.toContain("secret");
  });
});

describe("a kick", () => {
  it("is recorded for each user, with the id of the kick and the device it came from", async () => {
    const { kick, entries } = audited();
    await kick.ended("u1", [{ id: "l1" }, { id: "l2" }]);
    await kick.everyoneEnded(7);
    kick.failed("u2", new LogoutError("ERR_REGISTRY_UNAVAILABLE", "down"));
    kick.failed("u3", new TypeError("what"));
    kick.everyoneFailed(new LogoutError("ERR_KICK_INCOMPLETE", "no"), 3);
    const device = { ip: "::1", userAgent: "test" };
    expect(entries).toEqual([
      { ...ENTRY, ...device, action: "kick", outcome: "success", userId: "u1", loginIds: ["l1", "l2"], logins: 2 },
      { ...ENTRY, ...device, action: "kick-everyone", outcome: "success", logins: 7 },
      { ...ENTRY, ...device, action: "kick", outcome: "failure", code: "ERR_REGISTRY_UNAVAILABLE", userId: "u2" },
      { ...ENTRY, ...device, action: "kick", outcome: "failure", code: "ERR_KICK_INCOMPLETE", userId: "u3" },
      { ...ENTRY, ...device, action: "kick-everyone", outcome: "failure", code: "ERR_KICK_INCOMPLETE", logins: 3 },
    ]);
  });

  it("names at most 1,000 logins, and counts them all", async () => {
    const { kick, entries } = audited();
    await kick.ended(
      "u1",
      Array.from({ length: 1_001 }, (_, number) => ({ id: String(number) })),
    );
    expect(entries[0]?.loginIds).toHaveLength(1_000);
    expect(entries[0]?.logins).toBe(1_001);
  });

  it.each([
    ["throws", () => fail()],
    ["rejects", () => Promise.reject(new Error("full"))],
    ["does not settle", never],
  ])("fails if the log %s", async (_case, log) => {
    const { kick } = audited(log, 10);
    const error = (await kick.ended("u1", [{ id: "l1" }]).catch((thrown: unknown) => thrown)) as LogoutError;
    expect(LogoutError.is(error, "ERR_AUDIT_FAILED")).toBe(true);
    expect(error.status).toBe(503);
    expect((error.cause as Error).message).toMatch(/^(full|no answer within 10 ms)$/);
  });

  it("calls a log that has failed again for the next user, and one that has hung not", async () => {
    const failing = audited(fail);
    const hanging = audited(never, 10);
    for (const { kick } of [failing, hanging]) {
      await expect(kick.ended("u1", [])).rejects.toMatchObject({ code: "ERR_AUDIT_FAILED" });
      await expect(kick.ended("u2", [])).rejects.toMatchObject({ code: "ERR_AUDIT_FAILED" });
      await expect(kick.everyoneEnded(0)).rejects.toMatchObject({ code: "ERR_AUDIT_FAILED" });
      kick.everyoneFailed(undefined, 0);
    }
    expect(failing.entries).toHaveLength(4);
    expect(hanging.entries).toHaveLength(1);
  });

  it("does not record that recording has failed", async () => {
    const { kick, entries } = audited();
    kick.failed("u1", new LogoutError("ERR_AUDIT_FAILED", "no", { details: { userIds: [] } }));
    expect(entries).toEqual([]);
    await expect(new KickAudit(new Audit({ appId: "shop" }), KICK).ended("u1", [])).resolves.toBeUndefined();
  });
});

describe("a login that cannot be recorded", () => {
  it.each([
    ["throws", fail],
    ["rejects", () => Promise.reject(new Error("full"))],
    ["does not settle", never],
  ])("is a process warning, once: the log %s", async (_case, log) => {
    const warned = jest.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    try {
      const { audit } = audited(log, 10);
      audit.note({ action: "login", outcome: "success" });
      audit.note({ action: "login", outcome: "success" });
      await expect(audit.write({ action: "login", outcome: "success" })).rejects.toThrow();
      expect(warned.mock.calls).toEqual([
        [expect.any(String), expect.objectContaining({ code: "EXPRESS_LOGOUT_AUDIT" })],
      ]);
    } finally {
      warned.mockRestore();
    }
  });
});

function fail(): never {
  throw new Error("full");
}
