import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { Pool } from "pg";
import type { Generation, KickRecord, NewLogin } from "../../lib/registry/index.js";
import { PostgresLoginRegistry } from "../../lib/registry/postgres/index.js";
import { begun, shown } from "../support/postgres-site.js";
import { startPostgres, type PostgresServer } from "../support/postgres-server.js";
import { adopt, endLogin, kickUser } from "../support/registry-calls.js";

const HOUR_MS = 3_600_000;
const ROUNDS = 200;

let server: PostgresServer;
let pools: readonly Pool[];
let nodes: readonly PostgresLoginRegistry[];

beforeAll(async () => {
  server = await startPostgres();
  pools = [server.url, server.url].map((connectionString) => new Pool({ connectionString }));
  nodes = pools.map((pool) => new PostgresLoginRegistry({ pool, timeoutMs: 60_000 }));
  for (const node of nodes) node.init({ appId: "shop", maxSessionAgeMs: HOUR_MS });
  await nodes[0]?.migrate();
});
afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.end()));
  await server.stop();
});

let count = 0;
const next = (word: string): string => `${word}-${String((count += 1))}`;
const newKick = (): KickRecord => ({ id: next("mark"), at: new Date(1_700_000_000_000), cause: "kick" });
const below = (limit: number): number => Math.floor(Math.random() * limit);
const anyOf = <Item>(items: readonly Item[]): Item => {
  const item = items[below(items.length)];
  if (item === undefined) throw new Error("nothing to choose from");
  return item;
};
const anyNode = (): PostgresLoginRegistry => anyOf(nodes);

interface Tried {
  readonly login: NewLogin;
  readonly generation: Generation;
  /** Whether the login was listed according to the last reply to its own requests. */
  isOn: boolean;
  /** Whether a request of another client has logged it out. */
  isLoggedOut: boolean;
}

/** Concurrent steps of a few users, their requests and kicks, on two nodes. */
class Round {
  readonly #userIds = [next("alice"), next("bob")];
  readonly #begun: Tried[] = [];
  readonly found: string[] = [];

  async run(): Promise<void> {
    const actors = [
      () => this.#visit(),
      () => this.#visit(),
      () => this.#visit(),
      () => this.#logOut(),
      () => this.#kick(),
      () => this.#kickAll(),
    ];
    await Promise.all(Array.from({ length: 12 }, () => anyOf(actors)()));
    for (const { login, generation, isOn, isLoggedOut } of this.#begun) {
      const isListed = (await anyNode().find(login.userId, login.id)) !== undefined;
      const isKicked = (await anyNode().kickOf(login.userId, login.id, generation)) !== undefined;
      if (isListed && isKicked) this.found.push("a login outlives a kick");
      if (isListed && isLoggedOut) this.found.push("a login outlives a logout");
      if (!isListed && !isKicked && !isLoggedOut) this.found.push("a login is lost");
      if (isListed && !isOn) this.found.push("a login is listed of which that was denied");
    }
  }

  /** Logs in, rotates the session id, ends the login and resumes it, as a request can with express-session. */
  async #visit(): Promise<void> {
    const userId = this.#anyUser();
    const login = { id: next("login"), userId, sid: next("sid"), ttlMs: HOUR_MS };
    const tried = { login, generation: await begun(anyNode(), login), isOn: true, isLoggedOut: false };
    this.#begun.push(tried);
    for (let steps = below(4); steps > 0; steps -= 1) {
      if (below(2) === 0) {
        tried.isOn = await anyNode().update(userId, login.id, { addSid: next("sid"), ttlMs: HOUR_MS });
      } else {
        const { login: removed, endCount } = await endLogin(anyNode(), userId, login.id);
        tried.isOn =
          removed !== undefined &&
          (await adopt(anyNode(), login, { generation: tried.generation, endCount })) !== undefined;
      }
    }
  }

  async #logOut(): Promise<void> {
    // Waits for a login to kick, if there will be one.
    await Promise.all(this.#userIds.map((userId) => shown(anyNode(), userId)));
    if (this.#begun.length === 0) return;
    const tried = anyOf(this.#begun);
    await endLogin(anyNode(), tried.login.userId, tried.login.id);
    tried.isLoggedOut = true;
    await this.#expectOff([tried]);
  }

  async #kick(): Promise<void> {
    const userId = this.#anyUser();
    const before = this.#begun.filter(({ login }) => login.userId === userId);
    await kickUser(anyNode(), userId, newKick());
    await this.#expectOff(before);
  }

  async #kickAll(): Promise<void> {
    const before = [...this.#begun];
    const kick = newKick();
    await anyNode().kickEveryone(kick);
    for await (const userIds of anyNode().scanUsers()) {
      await Promise.all(userIds.map((userId) => kickUser(anyNode(), userId, kick)));
    }
    await this.#expectOff(before);
  }

  async #expectOff(before: readonly Tried[]): Promise<void> {
    for (const { login } of before) {
      if ((await anyNode().find(login.userId, login.id)) !== undefined) this.found.push("an ended login is served");
    }
  }

  #anyUser(): string {
    return anyOf(this.#userIds);
  }
}

describe("many steps on one user at once, from two pools", () => {
  it("let no login outlive a kick, and lose no login that was not kicked", async () => {
    const found: string[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const played = new Round();
      await played.run();
      found.push(...played.found);
    }
    expect(found).toEqual([]);
  }, 240_000);

  it("return an ended login to exactly one of the concurrent calls", async () => {
    for (let round = 0; round < 20; round += 1) {
      const login = { id: next("login"), userId: next("carol"), sid: "sid", ttlMs: HOUR_MS };
      await anyNode().add(login);
      const removals = await Promise.all([1, 2, 3, 4, 5].map(() => endLogin(anyNode(), login.userId, login.id)));
      expect(removals.filter((removal) => removal.login !== undefined)).toHaveLength(1);
      expect(new Set(removals.map(({ endCount }) => endCount)).size).toBe(5);
    }
  });

  it("keep every session id that requests add to one login", async () => {
    const login = { id: next("login"), userId: next("dave"), sid: "sid", ttlMs: HOUR_MS };
    await anyNode().add(login);
    const sids = Array.from({ length: 30 }, () => next("sid"));
    await Promise.all(sids.map((addSid) => anyNode().update(login.userId, login.id, { addSid })));
    expect((await anyNode().find(login.userId, login.id))?.sids.toSorted()).toEqual(["sid", ...sids].sort());
  });
});
