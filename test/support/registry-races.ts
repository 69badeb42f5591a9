import { expect, it } from "@jest/globals";
import type { Generation, LoginRegistry, NewLogin } from "../../lib/registry/index.js";
import { adopt, begun, endLogin, HOUR_MS, kickUser, newKick, next, shown } from "./registry-calls.js";

const below = (limit: number): number => Math.floor(Math.random() * limit);
const anyOf = <Item>(items: readonly Item[]): Item => {
  const item = items[below(items.length)];
  if (item === undefined) throw new Error("nothing to choose from");
  return item;
};
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
  readonly #nodes: readonly LoginRegistry[];
  readonly #userIds = [next("alice"), next("bob")];
  readonly #begun: Tried[] = [];
  readonly found: string[] = [];

  constructor(nodes: readonly LoginRegistry[]) {
    this.#nodes = nodes;
  }

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
      const isListed = (await this.#anyNode().find(login.userId, login.id)) !== undefined;
      const isKicked = (await this.#anyNode().kickOf(login.userId, login.id, generation)) !== undefined;
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
    const tried = { login, generation: await begun(this.#anyNode(), login), isOn: true, isLoggedOut: false };
    this.#begun.push(tried);
    for (let steps = below(4); steps > 0; steps -= 1) {
      if (below(2) === 0) {
        const change = { addSid: next("sid"), ttlMs: HOUR_MS };
        tried.isOn = (await this.#anyNode().update(userId, login.id, change)) !== false;
      } else {
        const { login: removed, endCount } = await endLogin(this.#anyNode(), userId, login.id);
        tried.isOn =
          removed !== undefined &&
          (await adopt(this.#anyNode(), login, { generation: tried.generation, endCount })) !== undefined;
      }
    }
  }

  async #logOut(): Promise<void> {
    // Waits for a login to kick, if there will be one.
    await Promise.all(this.#userIds.map((userId) => shown(this.#anyNode(), userId)));
    if (this.#begun.length === 0) return;
    const tried = anyOf(this.#begun);
    await endLogin(this.#anyNode(), tried.login.userId, tried.login.id);
    tried.isLoggedOut = true;
    await this.#expectOff([tried]);
  }

  async #kick(): Promise<void> {
    const userId = this.#anyUser();
    const before = this.#begun.filter(({ login }) => login.userId === userId);
    await kickUser(this.#anyNode(), userId, newKick());
    await this.#expectOff(before);
  }

  /** Spares some logins, or none. */
  async #kickAll(): Promise<void> {
    const before = [...this.#begun];
    const stays = before.filter(() => below(3) === 0);
    const options = { except: stays.map(({ login }) => login.id), everyone: true };
    const kick = newKick();
    await this.#anyNode().kickEveryone(kick);
    for await (const userIds of this.#anyNode().scanUsers()) {
      await Promise.all(userIds.map((userId) => kickUser(this.#anyNode(), userId, kick, options)));
    }
    await this.#expectOff(before.filter((each) => !stays.includes(each)));
  }

  async #expectOff(before: readonly Tried[]): Promise<void> {
    for (const { login } of before) {
      if ((await this.#anyNode().find(login.userId, login.id)) !== undefined)
        this.found.push("an ended login is served");
    }
  }

  #anyNode(): LoginRegistry {
    return anyOf(this.#nodes);
  }

  #anyUser(): string {
    return anyOf(this.#userIds);
  }
}

/** On PostgreSQL the rounds take less than a minute of an idle machine, and more than four of a busy one. */
const TIMEOUT_MS = 600_000;

/** Tests many steps on one user at once, from the registries of several processes. */
export function raceTests(nodes: () => readonly LoginRegistry[], rounds = 200): void {
  const anyNode = (): LoginRegistry => anyOf(nodes());

  it(
    "let no login outlive a kick, and lose no login that was not kicked",
    async () => {
      const found: string[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const played = new Round(nodes());
        await played.run();
        found.push(...played.found);
      }
      expect(found).toEqual([]);
    },
    TIMEOUT_MS,
  );

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
}
