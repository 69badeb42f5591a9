import { describe, expect, it, jest } from "@jest/globals";
import type { Request } from "express";
import { Store, type SessionData } from "express-session";
import { MemoryLoginRegistry, type LoginKey, type LoginProvider } from "../../lib/index.js";
import { PROVIDER } from "../../lib/util/provider.js";
import { destroy, regenerate, save } from "../support/race-app.js";
import { KEY_FAULTS } from "./key-faults.js";
import { HookedNode, type Handler } from "./node.js";
import { watched } from "./registries.js";
import { Schedule, settled } from "./schedule.js";

// Thousands of orders each: on a busy machine that takes a while.
jest.setTimeout(180_000);

/** The claims of an ID token: the session at the provider, its user, and the second in which the token was issued. */
interface Issued {
  readonly sid?: string;
  readonly sub?: string;
  readonly iat: number;
}

declare module "express-session" {
  interface SessionData {
    issued?: Issued;
  }
}

interface Generates {
  generate(req: Request): void;
}

/** Of a situation with more orders, half of these are the first ones, and half are drawn. `KEY_ORDERS` explores more. */
const MOST_ORDERS = Number(process.env["KEY_ORDERS"] ?? 200);
const LONGEST_ORDER = 60;

const PROVIDER_OF_TESTS: LoginProvider = {
  [PROVIDER]: {
    keysOf: ({ issued }) =>
      Object.entries(issued ?? {}).flatMap(([name, value]) =>
        name === "iat" || issued === undefined ? [] : [{ key: { [name]: String(value) }, since: issued.iat }],
      ),
    routes: [],
  },
};

/** Answers at once: only the calls of the registry are steps. */
class QuickStore extends Store {
  readonly sessions = new Map<string, string>();

  get(sid: string, callback: (error: unknown, session?: SessionData | null) => void): void {
    const json = this.sessions.get(sid);
    callback(null, json === undefined ? null : (JSON.parse(json) as SessionData));
  }

  set(sid: string, session: SessionData, callback?: (error?: unknown) => void): void {
    this.sessions.set(sid, JSON.stringify(session));
    callback?.();
  }

  destroy(sid: string, callback?: (error?: unknown) => void): void {
    this.sessions.delete(sid);
    callback?.();
  }
}

/** One order of steps, from the beginning. */
class World {
  readonly schedule = new Schedule();
  readonly store = new QuickStore();
  readonly #node: HookedNode;
  readonly #sids: string[] = [];
  readonly #served: string[] = [];

  constructor(registry: MemoryLoginRegistry) {
    const watcher = { asked: () => undefined, answered: () => undefined };
    this.#node = new HookedNode({
      store: this.store,
      registry: watched(registry, watcher, this.schedule),
      maxSessionAgeMs: 7_200_000,
      waitForTouch: true,
      logins: { max: Infinity, providers: [PROVIDER_OF_TESTS] },
      session: { resave: false, saveUninitialized: false, unset: "destroy", genid: () => this.#newSid() },
      found: (req) => {
        if (req.session.tag !== undefined) this.#served.push(req.session.tag);
      },
    });
  }

  logIn(tag: string, issued: Issued): Promise<unknown> {
    return this.#request("/login", undefined, async (req) => {
      await regenerate(req);
      Object.assign(req.session, { userId: "alice", tag, issued });
      await save(req);
    });
  }

  /** A session from before the installation. */
  plant(tag: string, issued: Issued): void {
    const cookie = { originalMaxAge: null, expires: null, path: "/" };
    this.store.sessions.set(this.#newSid(), JSON.stringify({ cookie, userId: "alice", tag, issued }));
  }

  /** A request in the session of this login. */
  on(tag: string, act: (req: Request) => Promise<void>): Promise<unknown> {
    const [sid] = [...this.store.sessions].find(([, json]) => (JSON.parse(json) as SessionData).tag === tag) ?? [];
    return this.#request("/", sid, act);
  }

  kick(key: LoginKey, authenticatedBefore?: number): Promise<unknown> {
    return this.#node.auth.kickByKey(key, { authenticatedBefore });
  }

  /** Takes the steps of all actors in this order, 0 where none is given. Returns how many there were to choose from at each. */
  async take(actors: readonly (() => Promise<unknown>)[], order: readonly number[] = []): Promise<number[]> {
    const done = actors.map((act, i) => this.schedule.run({ name: String.fromCharCode(97 + i), node: this }, act));
    const counts: number[] = [];
    await settled();
    while (this.schedule.waiting > 0) {
      const position = counts.length;
      counts.push(this.schedule.waiting);
      await this.schedule.take((order[position] ?? 0) % this.schedule.waiting);
    }
    await Promise.all(done);
    return counts;
  }

  /** The logins that are served in any session that there ever was. */
  async served(): Promise<string[]> {
    this.#served.length = 0;
    for (const sid of [...this.#sids]) await this.take([() => this.#request("/", sid, () => Promise.resolve())]);
    return [...this.#served];
  }

  #request(path: string, sid: string | undefined, act: (req: Request) => Promise<void>): Promise<unknown> {
    const handler: Handler = (req) => act(req);
    return this.#node.request(path, sid, handler);
  }

  #newSid(): string {
    const sid = `S${String(this.#sids.length + 1)}`;
    this.#sids.push(sid);
    return sid;
  }
}

interface Situation {
  /** The logins that there are before. */
  readonly before?: (world: World) => readonly (() => Promise<unknown>)[];
  readonly actors: (world: World) => readonly (() => Promise<unknown>)[];
  /** The logins that must not be served in the end, and those that must. */
  readonly off?: readonly string[];
  readonly on?: readonly string[];
}

const L: Issued = { sid: "s1", sub: "alice", iat: 10 };
const M: Issued = { sid: "s2", sub: "alice", iat: 20 };
const bySid = { sid: "s1" };
const bySub = { sub: "alice" };

const rotate = async (req: Request): Promise<void> => {
  const { userId, tag, issued } = req.session;
  await regenerate(req);
  Object.assign(req.session, { userId, tag, issued });
};
const rotateByHand = async (req: Request): Promise<void> => {
  const { userId, tag, issued } = req.session;
  await destroy(req);
  (req.sessionStore as unknown as Generates).generate(req);
  Object.assign(req.session, { userId, tag, issued });
};
const write = (req: Request): Promise<void> => {
  req.session.visits = (req.session.visits ?? 0) + 1;
  return save(req);
};
const had = (world: World) => [() => world.logIn("l", L)];

/** Those of the model of the protocol. */
const SITUATIONS: Readonly<Record<string, Situation>> = {
  "a token during the login, by session": {
    actors: (world) => [() => world.logIn("l", L), () => world.kick(bySid, 12)],
    off: ["l"],
  },
  "a token during the login, by user": {
    actors: (world) => [() => world.logIn("l", L), () => world.kick(bySub, 12)],
    off: ["l"],
  },
  "the same token twice at once": {
    actors: (world) => [() => world.logIn("l", L), () => world.kick(bySid, 12), () => world.kick(bySid, 12)],
    off: ["l"],
  },
  "two tokens, by session and by user": {
    actors: (world) => [() => world.logIn("l", L), () => world.kick(bySid, 12), () => world.kick(bySub, 11)],
    off: ["l"],
  },
  "a later login beside a late token": {
    before: had,
    actors: (world) => [() => world.logIn("m", M), () => world.kick(bySub, 12)],
    off: ["l"],
    on: ["m"],
  },
  "two logins of one session at the provider": {
    actors: (world) => [
      () => world.logIn("l", L),
      () => world.logIn("m", { ...L, iat: 11 }),
      () => world.kick(bySid, 12),
    ],
    off: ["l", "m"],
  },
  "the same session, authenticated anew after the token": {
    actors: (world) => [
      () => world.logIn("l", L),
      () => world.logIn("m", { ...L, iat: 15 }),
      () => world.kick(bySid, 12),
    ],
    off: ["l"],
    on: ["m"],
  },
  "an older token after a newer one, and a login in between": {
    before: had,
    actors: (world) => [
      async () => {
        await world.kick(bySub, 30);
        await world.kick(bySub, 5);
      },
      () => world.logIn("m", { sub: "alice", iat: 25 }),
    ],
    off: ["l", "m"],
  },
  "a rotation in flight": {
    before: had,
    actors: (world) => [() => world.on("l", rotate), () => world.kick(bySid, 12)],
    off: ["l"],
  },
  "saves in flight": {
    before: had,
    actors: (world) => [() => world.on("l", write), () => world.on("l", write), () => world.kick(bySid, 12)],
    off: ["l"],
  },
  "destroy and generate in flight": {
    before: had,
    actors: (world) => [() => world.on("l", rotateByHand), () => world.kick(bySid, 12)],
    off: ["l"],
  },
  "destroy and generate twice in flight": {
    before: had,
    actors: (world) => [
      () => world.on("l", rotateByHand),
      () => world.on("l", rotateByHand),
      () => world.kick(bySub, 12),
    ],
    off: ["l"],
  },
  "an adoption, twice": {
    before: (world) => {
      world.plant("l", L);
      return [];
    },
    actors: (world) => [() => world.on("l", write), () => world.on("l", write), () => world.kick(bySid, 12)],
    off: ["l"],
  },
  "an adoption beside a kick that knows no time": {
    before: (world) => {
      world.plant("l", L);
      return [];
    },
    actors: (world) => [() => world.on("l", write), () => world.kick(bySid)],
    off: ["l"],
  },
};

/** Explores the orders of a situation. Returns what has broken a promise, and how many orders there were. */
async function explore(
  { before, actors, off = [], on = [] }: Situation,
  Registry: new () => MemoryLoginRegistry = MemoryLoginRegistry,
): Promise<{ readonly violation?: string; readonly orders: number }> {
  let orders = 0;
  const violationIn = async (order: readonly number[]): Promise<{ violation?: string; counts: readonly number[] }> => {
    orders += 1;
    const world = new World(new Registry());
    for (const act of before?.(world) ?? []) await world.take([act]);
    const counts = await world.take(actors(world), order);
    const served = await world.served();
    const isKept = off.every((tag) => !served.includes(tag)) && on.every((tag) => served.includes(tag));
    const trace = world.schedule.trace.join("\n");
    return isKept ? { counts } : { counts, violation: `served: ${served.join(", ")}\n${trace}` };
  };
  for (let order: number[] | undefined = []; order !== undefined;) {
    // The first orders differ in their last steps alone.
    const isDrawn = orders >= MOST_ORDERS / 2;
    if (orders >= MOST_ORDERS) break;
    const { violation, counts } = await violationIn(isDrawn ? drawn(orders) : order);
    if (violation !== undefined) return { violation, orders };
    if (!isDrawn) order = next(order, counts);
  }
  return { orders };
}

/** Positions drawn from a seed: the same ones every time. */
function drawn(seed: number): number[] {
  let state = seed;
  return Array.from({ length: LONGEST_ORDER }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor(state / 65_536);
  });
}

describe("every order of the steps of logins and kicks by key", () => {
  it.each(Object.entries(SITUATIONS))("keeps the promise: %s", async (_name, situation) => {
    const { violation, orders } = await explore(situation);
    expect(violation).toBeUndefined();
    expect(orders).toBeGreaterThan(5);
  });

  // That fault is none here: the rows are read, and the mark is left, in one step.
  const { "rows are read before the mark is left": _marksLate, ...FOUND_HERE } = KEY_FAULTS;

  it.each(Object.entries(FOUND_HERE))("finds the fault: %s", async (_name, Faulty) => {
    let found: string | undefined;
    for (const situation of Object.values(SITUATIONS)) {
      found ??= (await explore(situation, Faulty)).violation;
    }
    expect(found).toContain("served");
  });
});

/** The order after this one, depth first; `undefined` after the last. */
function next(order: readonly number[], counts: readonly number[]): number[] | undefined {
  const taken = counts.map((_count, position) => order[position] ?? 0);
  const last = taken.findLastIndex((choice, position) => choice + 1 < (counts[position] ?? 0));
  return last === -1 ? undefined : [...taken.slice(0, last), (taken[last] ?? 0) + 1];
}
