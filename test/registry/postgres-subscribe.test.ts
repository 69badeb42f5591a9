import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type { Pool, PoolClient } from "pg";
import type { EndedLogins, RegistryListener, Subscription } from "../../lib/types/registry.js";
import type { PostgresLoginRegistry, PostgresPool } from "../../lib/registry/postgres/index.js";
import { Names } from "../../lib/registry/postgres/names.js";
import { notificationHead } from "../../lib/registry/postgres/records.js";
import { Gate } from "../support/gate.js";
import { beforeText, open, PostgresSite } from "../support/postgres-site.js";
import { endLogin, kickUser, eventually, newLogin, newKick, next } from "../support/registry-calls.js";

/** Records the notifications. `true`: look the logins up; `false`: the connection is lost. */
class Notes implements RegistryListener {
  readonly received: (EndedLogins | boolean)[] = [];
  isConnected = false;

  ended(ended: EndedLogins): void {
    this.received.push(ended);
  }

  connected(): void {
    this.isConnected = true;
  }

  disconnected(): void {
    this.isConnected = false;
    this.received.push(false);
  }

  gap(): void {
    // A gap after a disconnection is reported once notifications arrive again.
    this.received.push(this.isConnected);
  }

  get ends(): EndedLogins[] {
    return this.received.filter((note) => typeof note !== "boolean");
  }

  /** The reports of the connection only. */
  get states(): boolean[] {
    return this.received.filter((note) => typeof note === "boolean");
  }
}

let site: PostgresSite;
let own: Pool;
beforeAll(async () => {
  site = await PostgresSite.start();
  own = site.pool();
});
afterAll(() => site.stop());

describe("a subscription", () => {
  let appId: string;
  let registry: PostgresLoginRegistry;
  /** Another process. */
  let other: PostgresLoginRegistry;
  let listeningPool: Pool;
  let listeningClient: PoolClient;
  let notes: Notes;
  let subscription: Subscription;

  beforeEach(async () => {
    appId = next("app");
    listeningPool = site.pool();
    listeningPool.once("connect", (client: PoolClient) => {
      listeningClient = client;
    });
    registry = open(listeningPool, { appId, timeoutMs: 500 });
    other = open(own, { appId });
    notes = new Notes();
    subscription = registry.subscribe(notes, { checkIntervalMs: 20 });
    await eventually(() => notes.received.length > 0);
  });
  afterEach(() => subscription.close());

  /** Waits for a last notification. Notifications arrive in order, so all earlier ones have arrived. */
  const caughtUp = async (): Promise<void> => {
    const last = newLogin("last");
    await other.add(last);
    await endLogin(other, "last", last.id);
    await eventually(() => notes.ends.some(({ loginIds }) => loginIds.includes(last.id)));
    notes.received.splice(notes.received.findIndex((note) => typeof note !== "boolean" && note.userId === "last"));
  };

  it("reports that it is connected", () => {
    expect(notes.received).toEqual([true]);
  });

  it("notifies of every end, and of nothing else", async () => {
    const [one, two, three] = [newLogin(), newLogin(), newLogin()];
    for (const login of [one, two, three]) await other.add(login);
    const [ofOne, ofAll] = [newKick({ reason: "one", by: "ops" }), newKick()];
    await other.update("alice", one.id, { addSid: "sid" });
    await endLogin(other, "alice", one.id, { kick: ofOne });
    await endLogin(other, "alice", one.id, { kick: ofOne });
    await endLogin(registry, "alice", two.id);
    await kickUser(other, "alice", ofAll);
    await kickUser(other, "alice", ofAll);
    await caughtUp();
    expect(notes.received).toEqual([
      true,
      { userId: "alice", loginIds: [one.id], kick: ofOne },
      { userId: "alice", loginIds: [two.id], kick: undefined },
      { userId: "alice", loginIds: [three.id], kick: ofAll },
    ]);
  });

  it.each(["x", "null", "7", "[]", "{}", '{"userId":7}', '{"userId":"alice"}\nan "id"'])(
    "asks for a lookup after a foreign message: %s",
    async (text) => {
      await own.query("SELECT pg_notify($1, $2)", [new Names({}).channel(appId), text]);
      await caughtUp();
      expect(notes.received).toEqual([true, true]);
    },
  );

  it("notifies of more logins than fit in a message", async () => {
    const logins = Array.from({ length: 400 }, () => ({
      ...newLogin("名前\0\ud800"),
      id: `${next("id")} ${"ü".repeat(30)}`,
    }));
    // Of one user, so each waits for the one before: all at once, the last would wait for longer than its time limit.
    for (const login of logins) await other.add(login);
    const kick = newKick({ reason: "x".repeat(500) });
    await kickUser(other, "名前\0\ud800", kick);
    await caughtUp();
    expect(notes.ends.length).toBeGreaterThan(1);
    expect(notes.ends.every((ended) => ended.userId === "名前\0\ud800" && ended.kick?.id === kick.id)).toBe(true);
    expect(notes.ends.flatMap(({ loginIds }) => loginIds).sort()).toEqual(logins.map(({ id }) => id).sort());
  });

  it("fills a message with one login to the byte", async () => {
    const head = notificationHead("alice", undefined);
    // PostgreSQL takes fewer than 8,000 bytes.
    for (const bytes of [7_998, 7_999, 8_000, 8_001]) {
      const id = "x".repeat(bytes - head.length - 1);
      await other.add({ ...newLogin(), id });
      await endLogin(other, "alice", id);
      await caughtUp();
      const ended = { userId: "alice", loginIds: [id], kick: undefined };
      expect(notes.received.splice(1)).toEqual([bytes < 8_000 ? ended : true]);
    }
  });

  it("fills a message with several logins to the byte", async () => {
    const kick = newKick();
    const head = notificationHead("alice", kick);
    for (const bytes of [7_998, 7_999, 8_000, 8_001]) {
      const ids = ["a".repeat(100), "b".repeat(bytes - head.length - 102)];
      for (const id of ids) await other.add({ ...newLogin(), id });
      await kickUser(other, "alice", kick);
      await other.finishKick("alice", ids);
      await caughtUp();
      const messages = notes.received.splice(1) as EndedLogins[];
      expect(messages).toHaveLength(bytes < 8_000 ? 1 : 2);
      expect(messages.flatMap(({ loginIds }) => loginIds).sort()).toEqual(ids);
    }
  });

  it("asks for a lookup if an end does not fit in a message", async () => {
    const login = { ...newLogin("x".repeat(9_000)) };
    await other.add(login);
    await kickUser(other, login.userId, newKick());
    await caughtUp();
    expect(notes.received).toEqual([true, true]);
  });

  it("asks for a lookup when everyone is removed", async () => {
    await other.add(newLogin());
    await other.clear();
    await caughtUp();
    expect(notes.received).toEqual([true, true]);
  });

  it("asks for a lookup also if one user cannot be removed, because their row cannot be read", async () => {
    const [alice, bob] = [newLogin(), newLogin("bob")];
    for (const login of [alice, bob]) await other.add(login);
    await own.query("UPDATE express_logout_users SET user_id = '\\' WHERE user_id = 'bob' AND app = $1", [appId]);
    await expect(other.clear()).rejects.toMatchObject({ code: "ERR_REGISTRY_UNAVAILABLE" });
    await caughtUp();
    expect(notes.received).toEqual([true, true]);
    expect(await other.find("alice", alice.id)).toBeUndefined();
  });

  it("is of one application", async () => {
    const stranger = open(own);
    await stranger.add(newLogin());
    await kickUser(stranger, "alice", newKick());
    await stranger.clear();
    await caughtUp();
    expect(notes.received).toEqual([true]);
  });

  it.each([
    [
      "is cut off",
      async () => {
        await own.query(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%listening_channels%' AND pid <> pg_backend_pid()",
        );
      },
      () => Promise.resolve(),
    ],
    ["has crashed", () => site.server.kill(), () => site.server.restart()],
    [
      "hangs",
      () => {
        site.server.pause();
        return Promise.resolve();
      },
      () => {
        site.server.resume();
        return Promise.resolve();
      },
    ],
    [
      "gives the session to another client, as a pooler may",
      async () => {
        await listeningClient.query("UNLISTEN *");
      },
      () => Promise.resolve(),
    ],
  ])("reports a disconnection when the server %s, and reconnects when it is back", async (_what, breakIt, mendIt) => {
    await breakIt();
    await eventually(() => notes.states.includes(false));
    await mendIt();
    await eventually(() => notes.states.at(-1) === true);
    expect(notes.states).toEqual([true, false, true]);
    const login = newLogin();
    await eventually(() =>
      other.add(login).then(
        () => true,
        () => false,
      ),
    );
    await endLogin(other, "alice", login.id);
    await eventually(() => notes.ends.some(({ loginIds }) => loginIds.includes(login.id)));
  });

  it("ends when it is closed, and releases its connection", async () => {
    await subscription.close();
    await other.add(newLogin());
    await kickUser(other, "alice", newKick());
    expect(notes.received).toEqual([true]);
    expect(listeningPool.totalCount).toBe(0);
  });

  it("is closed with the registry", async () => {
    await registry.close();
    expect(listeningPool.totalCount).toBe(0);
  });
});

describe("a subscription's connection", () => {
  /** A pool that counts the checks of the subscription. */
  function counting(pool: Pool) {
    const asked: number[] = [];
    const counted = beforeText("pg_listening_channels", pool, () => asked.push(performance.now()));
    return { asked, counted };
  }

  it("is checked at the given interval", async () => {
    const { asked, counted } = counting(site.pool());
    const began = performance.now();
    const subscription = open(counted).subscribe(new Notes(), { checkIntervalMs: 50 });
    await eventually(() => asked.length > 5);
    await subscription.close();
    expect(performance.now() - began).toBeGreaterThan(240);
  });

  it("is replaced at once when it is lost, and released at once, however long the check interval", async () => {
    const { asked, counted } = counting(site.pool());
    const notes = new Notes();
    const subscription = open(counted).subscribe(notes, { checkIntervalMs: 600_000 });
    await eventually(() => notes.received.length > 0);
    await own.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%listening_channels%' AND pid <> pg_backend_pid()",
    );
    await eventually(() => notes.received.length > 2);
    await subscription.close();
    expect([notes.received, asked.length]).toEqual([[true, false, true], 2]);
  });

  it("may take time to open", async () => {
    const pool = site.pool();
    const slow: PostgresPool = {
      connect: async () => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        return pool.connect();
      },
    };
    const notes = new Notes();
    const subscription = open(slow).subscribe(notes, { checkIntervalMs: 20 });
    await eventually(() => notes.received.length > 0);
    await subscription.close();
    expect([notes.received, pool.totalCount]).toEqual([[true], 0]);
  });
});

describe("a subscription that is closed during a check", () => {
  it("no longer reports a connection", async () => {
    const notes = new Notes();
    const asked = new Gate();
    const slow = beforeText("pg_listening_channels", site.pool(), () => asked.pass());
    const subscription = open(slow).subscribe(notes, { checkIntervalMs: 20 });
    await asked.reached;
    const closed = subscription.close();
    asked.open();
    await closed;
    expect(notes.received).toEqual([]);
  });
});

describe("a subscription before its first check", () => {
  it("notifies of ended logins, and asks for no lookup", async () => {
    const appId = next("app");
    const [notes, asked, login] = [new Notes(), new Gate(), newLogin()];
    const slow = beforeText("pg_listening_channels", site.pool(), () => asked.pass());
    const subscription = open(slow, { appId }).subscribe(notes, { checkIntervalMs: 20 });
    await asked.reached;
    const other = open(own, { appId });
    await other.clear();
    await other.add(login);
    await endLogin(other, "alice", login.id);
    await eventually(() => notes.ends.length > 0);
    expect(notes.states).toEqual([]);
    asked.open();
    await eventually(() => notes.states.length > 0);
    await subscription.close();
    expect(notes.states).toEqual([true]);
  });
});

describe("a subscription while the server is away", () => {
  it("starts when the server is up, and can be closed before", async () => {
    await site.server.kill();
    const registry = open(site.pool());
    const [early, late] = [new Notes(), new Notes()];
    const subscription = registry.subscribe(early, { checkIntervalMs: 20 });
    registry.subscribe(late, { checkIntervalMs: 20 });
    await subscription.close();
    await site.server.restart();
    await eventually(() => late.received.length > 0);
    expect([early.received, late.received]).toEqual([[], [true]]);
    await registry.close();
  });
});
