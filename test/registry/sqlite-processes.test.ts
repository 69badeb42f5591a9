import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { LoginRegistry } from "../../lib/registry/index.js";
import { HOUR_MS, newKick } from "../support/registry-calls.js";
import { raceTests } from "../support/registry-races.js";
import { SqliteProcess } from "../support/sqlite-process.js";
import { openFile } from "../support/sqlite-engine.js";
import { SqliteSite } from "../support/sqlite-site.js";

let site: SqliteSite;
beforeAll(() => {
  site = new SqliteSite();
});
afterAll(() => site.stop());

describe("many steps on one user at once, from three processes", () => {
  const others: SqliteProcess[] = [];
  let nodes: readonly LoginRegistry[];
  beforeAll(() => {
    others.push(new SqliteProcess(site.file), new SqliteProcess(site.file));
    nodes = [site.open({ appId: "shop", timeoutMs: 60_000 }), ...others.map(({ registry }) => registry)];
  });
  afterAll(() => Promise.all(others.map((each) => each.stop())));

  raceTests(() => nodes, 50);
});

const login = (id: string) => ({ id, userId: "alice", sid: `sid of ${id}`, ttlMs: HOUR_MS });
const KICK = newKick({ id: "the kick" });
const KICK_OF_EVERYONE = newKick({ id: "the kick of everyone" });

/** Every kind of step, each on what the ones before have left. */
const STEPS: readonly ((registry: LoginRegistry) => Promise<unknown>)[] = [
  (registry) => registry.add(login("one")),
  (registry) => registry.add(login("two")),
  (registry) => registry.update("alice", "one", { addSid: "new", removeSid: "sid of one", ttlMs: HOUR_MS }),
  (registry) => registry.end("alice", { loginId: "two", remember: true }),
  (registry) => registry.add(login("two"), { since: { generation: "", endCount: 1 } }),
  (registry) => registry.end("alice", { loginId: "two", kick: KICK }),
  (registry) => registry.end("alice", { kick: KICK }),
  (registry) => registry.finishKick("alice", ["one", "two"]),
  (registry) => registry.kickEveryone(KICK_OF_EVERYONE),
];

const TABLES = ["apps", "users", "logins", "kicked", "ended", "ends"];
const TIMES = ["active", "expires", "shown", "kick_until", "until", "began", "last_active", "shown_until", "at"];

/** All that the file holds, but for the times. */
function contentsOf(file: string): string {
  const database = openFile(file);
  try {
    const exists = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'express_logout_ends'").all().length > 0;
    const rows = exists ? TABLES.map((table) => database.prepare(`SELECT * FROM express_logout_${table}`).all()) : [];
    expect(database.prepare("PRAGMA integrity_check").all()).toMatchObject([{ integrity_check: "ok" }]);
    return JSON.stringify(rows, (name, value: unknown) => (TIMES.includes(name) ? typeof value : value));
  } finally {
    database.close();
  }
}

describe("a process that ends by SIGKILL before any of its statements", () => {
  /** Runs the steps until the process ends, and returns how many were answered. */
  async function run(file: string, killAt: number, each?: () => void): Promise<{ answered: number; count: number }> {
    const node = new SqliteProcess(file, { KILL_AT: String(killAt) });
    let answered = 0;
    try {
      for (const step of STEPS) {
        await step(node.registry);
        answered += 1;
        each?.();
      }
      return { answered, count: (await node.call("statements")) as number };
    } catch (error) {
      expect(error).toMatchObject({ code: "EXITED" });
      return { answered, count: killAt };
    } finally {
      await node.stop();
    }
  }

  it("leaves each step done as a whole, or not at all, and loses none that was answered", async () => {
    const file = `${site.file}-whole`;
    const states: string[] = [];
    const { count } = await run(file, 0, () => states.push(contentsOf(file)));
    expect(new Set(states).size).toBe(STEPS.length);
    expect(count).toBeGreaterThan(60);
    const wrong: unknown[] = [];
    const check = async (killAt: number): Promise<void> => {
      const its = `${site.file}-${String(killAt)}`;
      const { answered } = await run(its, killAt);
      const found = contentsOf(its);
      // Before the first step there is nothing, or the empty tables.
      const isBefore = answered === 0 ? !found.includes("alice") : found === states[answered - 1];
      if (!isBefore && found !== states[answered]) wrong.push({ killAt, answered, found });
      for (const suffix of ["", "-wal", "-shm"]) rmSync(its + suffix, { force: true });
    };
    for (let killAt = 1; killAt <= count; killAt += 4) {
      await Promise.all([0, 1, 2, 3].map((more) => check(killAt + more)));
    }
    expect(wrong).toEqual([]);
  }, 180_000);
});
