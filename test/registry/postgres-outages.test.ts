import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Pool } from "pg";
import type { PostgresClient } from "../../lib/registry/postgres/index.js";
import { before, open, PostgresSite } from "../support/postgres-site.js";
import { adopt, kickUser, eventually, newLogin, newKick, next, shown } from "../support/registry-calls.js";

const UNAVAILABLE = expect.objectContaining({
  code: "ERR_REGISTRY_UNAVAILABLE",
  status: 503,
  message: "Login registry unavailable: see the cause.",
});

let site: PostgresSite;
/** The connections of the test itself, which reads the tables and holds locks. */
let own: Pool;

beforeAll(async () => {
  site = await PostgresSite.start();
  own = site.pool();
});
afterAll(() => site.stop());

async function waitingForLocks(): Promise<number> {
  const { rows } = await own.query<{ count: number }>(
    "SELECT count(*)::integer AS count FROM pg_stat_activity WHERE wait_event_type = 'Lock'",
  );
  return rows[0]?.count ?? 0;
}

describe("a call that times out", () => {
  it("is one that waits for a hanging server", async () => {
    const registry = open(site.pool(), { timeoutMs: 300 });
    await open(own).add(newLogin());
    site.server.pause();
    try {
      await expect(registry.find("alice", "login")).rejects.toEqual(UNAVAILABLE);
      await expect(kickUser(registry, "alice", newKick())).rejects.toEqual(UNAVAILABLE);
    } finally {
      site.server.resume();
    }
    expect(await shown(open(own), "alice")).toEqual([]);
  });

  it("does not take effect when the server resumes", async () => {
    const pool = site.pool({ max: 1 });
    const registry = open(
      before("begin_login", pool, () => {
        site.server.pause();
      }),
      { timeoutMs: 500 },
    );
    const { rows } = await pool.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    const login = newLogin();
    await expect(registry.add(login)).rejects.toEqual(UNAVAILABLE);
    site.server.resume();
    await eventually(async () => {
      const { rowCount } = await own.query("SELECT FROM pg_stat_activity WHERE pid = $1", [rows[0]?.pid]);
      return rowCount === 0;
    });
    expect(await registry.find("alice", login.id)).toBeUndefined();
  });

  it("is one that waits for a connection, which the pool gets back", async () => {
    const pool = site.pool({ max: 1 });
    const registry = open(pool, { timeoutMs: 300 });
    const client = await pool.connect();
    await expect(registry.find("alice", "login")).rejects.toEqual(UNAVAILABLE);
    client.release();
    expect(await registry.find("alice", "login")).toBeUndefined();
    expect([pool.totalCount, pool.idleCount]).toEqual([1, 1]);
  });

  it("is one that waits for a lock, and changes nothing after the lock is released", async () => {
    const pool = site.pool({ idleTimeoutMillis: 0 });
    const registry = open(pool, { timeoutMs: 500 });
    const login = newLogin();
    await registry.add(login);
    const removed: unknown[] = [];
    pool.on("remove", (connection) => removed.push(connection));
    const client = await own.connect();
    await client.query("BEGIN");
    await client.query(
      `SELECT pg_advisory_xact_lock(hashtextextended(encode(key, 'hex'), 2)) FROM express_logout_users`,
    );
    try {
      await expect(kickUser(registry, "alice", newKick())).rejects.toEqual(UNAVAILABLE);
      // Its connection is not reused, because it may still be running a statement.
      await eventually(() => removed.length === 1);
      await eventually(async () => (await waitingForLocks()) === 0);
    } finally {
      await client.query("COMMIT");
      client.release();
    }
    expect(await shown(registry, "alice")).toHaveLength(1);
  }, 60_000);
});

describe("a kick of everyone while a login is being listed", () => {
  it.each(["begin_login", "continue_login"] as const)("waits until it is listed, and finds it: %s", async (method) => {
    let listing: PostgresClient | undefined;
    const pool = site.pool();
    const appId = next("app");
    const committing = before(method, pool, async (client) => {
      await client.query({ text: "BEGIN" });
      listing = client;
    });
    const [slow, registry] = [open(committing, { appId }), open(own, { appId })];

    await (method === "begin_login" ? slow.add(newLogin()) : adopt(slow, newLogin(), { generation: "", endCount: 0 }));
    const state = { isMarked: false };
    const kicked = (async () => {
      await registry.kickEveryone(newKick());
      state.isMarked = true;
      const found: string[] = [];
      for await (const userIds of registry.scanUsers()) found.push(...userIds);
      return found;
    })();
    await eventually(async () => state.isMarked || (await waitingForLocks()) > 0);
    expect(state.isMarked).toBe(false);
    await listing?.query({ text: "COMMIT" });
    expect(await kicked).toEqual(["alice"]);
  });
});

describe("a server that crashes", () => {
  it("fails the calls, and has kept the logins when it is back", async () => {
    const registry = open(site.pool());
    const login = newLogin();
    await registry.add(login);
    const calls = Array.from({ length: 20 }, () => registry.update("alice", login.id, { ttlMs: 1_000 }));
    const settled = Promise.allSettled(calls);
    await site.server.kill();
    await expect(registry.find("alice", login.id)).rejects.toEqual(UNAVAILABLE);
    await settled;
    await site.server.restart();
    expect(await registry.find("alice", login.id)).toMatchObject({ sids: [login.sid] });
  });
});
