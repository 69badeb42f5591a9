import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "@jest/globals";
import connectPgSimple from "connect-pg-simple";
import session from "express-session";
import { Pool } from "pg";
import { MemoryLoginRegistry } from "../../lib/index.js";
import { signedCookie, useSites } from "../support/site.js";

const openSite = useSites();
const HOUR_MS = 3_600_000;

describe("a session store behind a Unix socket that is not there", () => {
  const pool = new Pool({ host: join(tmpdir(), "no such folder"), user: "nobody" });
  pool.on("error", () => undefined);
  afterAll(() => pool.end());

  async function siteWithAlice() {
    const PgStore = connectPgSimple(session);
    const options = { pool, createTableIfMissing: false, pruneSessionInterval: false } as const;
    // Its types do not know this option.
    const store = new PgStore(Object.assign(options, { errorLog: () => undefined }));
    const registry = new MemoryLoginRegistry();
    const site = await openSite({ auth: { store, registry } });
    await registry.add({ id: "A".repeat(22), userId: "alice", sid: "a session", ttlMs: HOUR_MS });
    return site;
  }

  it("is no store without the session: the request is answered 503", async () => {
    const site = await siteWithAlice();
    const { status, body } = await site.ask("GET", "/me", { headers: { Cookie: signedCookie("a session") } });
    expect({ status, body }).toEqual({ status: 503, body: { error: "ERR_STORE_UNAVAILABLE" } });
    expect(site.errors).toMatchObject([
      { cause: { code: "ENOENT", message: expect.stringContaining("connect ENOENT") } },
    ]);
  });

  it("leaves a kick to be repeated", async () => {
    const site = await siteWithAlice();
    for (let times = 0; times < 2; times += 1) {
      await expect(site.auth.kick("alice")).rejects.toMatchObject({
        code: "ERR_KICK_INCOMPLETE",
        details: { userIds: ["alice"] },
      });
    }
  });
});
