import type { Request } from "express";
import type { SessionOptions } from "express-session";
import { MemoryLoginRegistry, type LoginRegistry } from "../../lib/index.js";
import { RedisLoginRegistry } from "../../lib/registry/redis/index.js";
import { SETTINGS } from "../support/race-app.js";
import { act, HARMLESS, type Act } from "./acts.js";
import { COOKIE_AGE_MS, MAX_SESSION_AGE_MS, USERS, type Command, type History } from "./history.js";
import { Model, Violation, type Kick, type Visit } from "./model.js";
import { HookedNode, Node, type Handler, type NodeOptions } from "./node.js";
import { watched, type HistoryRedis } from "./registries.js";
import { currentActor, Schedule, settled, type Actor } from "./schedule.js";
import { NodeStore, SharedSessions } from "./shared-store.js";

export interface RunOptions {
  /** Where the logins are listed. Default: in memory. */
  readonly redis?: HistoryRedis | undefined;
  /** Whether nodes know logins by what Redis tells them, instead of asking for each. Default: false. */
  readonly coherentCache?: boolean | undefined;
  /** The registry in memory: another one than the package's, to see that its faults are found. */
  readonly memory?: MemoryLoginRegistry | undefined;
  /** Sets the clock. */
  readonly setTime: (ms: number) => void;
}

export interface Counts {
  histories: number;
  steps: number;
  requests: number;
  kicks: number;
}

/** Lives through a history from beginning to end, and checks the promise at every step. */
export async function live(history: History, options: RunOptions, counts?: Counts): Promise<void> {
  const world = new World(history, options);
  try {
    await world.live();
  } catch (error) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    throw new Violation([message, ...world.schedule.trace, JSON.stringify(history)].join("\n"), { cause: error });
  } finally {
    await world.close();
    if (counts !== undefined) {
      counts.histories += 1;
      counts.steps += world.schedule.steps;
      counts.requests += world.model.requests;
      counts.kicks += world.model.kicks;
    }
  }
}

type KickWork = (
  node: HookedNode,
  begins: (covers: Kick["covers"], spares?: Kick["spares"]) => void,
) => Promise<unknown>;

class World {
  readonly schedule = new Schedule();
  readonly model: Model;
  readonly #history: History;
  readonly #options: RunOptions;
  readonly #sessions: SharedSessions;
  /** What the checks read the list with: at once, and without being counted. */
  readonly #list: LoginRegistry;
  readonly #memory: MemoryLoginRegistry;
  readonly #nodes: (HookedNode | undefined)[];
  #plainNode: Node | undefined;
  readonly #cookies: (string | undefined)[];
  readonly #sids: string[] = [];
  readonly #failures: unknown[] = [];
  readonly #closing: (() => Promise<void>)[] = [];
  #named = 0;
  #choice = 0;

  constructor(history: History, options: RunOptions) {
    this.#history = history;
    this.#options = options;
    this.model = new Model({ kicksAlone: history.hasPlainNode === true });
    this.#memory = options.memory ?? new MemoryLoginRegistry();
    this.#nodes = Array.from({ length: history.nodes }, () => undefined);
    this.#sessions = new SharedSessions(this.model, MAX_SESSION_AGE_MS);
    this.model.sessions = this.#sessions;
    this.#list =
      options.redis === undefined ? this.#memory : new RedisLoginRegistry({ client: options.redis.client() });
    this.#list.bind({ appId: "shop", maxSessionAgeMs: MAX_SESSION_AGE_MS });
    this.#cookies = history.browsers.map(() => undefined);
  }

  async live(): Promise<void> {
    await this.#options.redis?.reset();
    await this.#prepare();
    for (const command of this.#history.commands) {
      // The next command is one more thing that can happen next, unless it has to wait for all others.
      for (;;) {
        const count = this.schedule.waiting;
        if (count === 0) break;
        const choice = this.#choose(count + (command.is === "rest" ? 0 : 1));
        if (choice === count) break;
        await this.#take(choice);
      }
      await this.#start(command);
    }
    await this.#rest();
    // Whoever has ever had a cookie tries again.
    for (const [i, sid] of [...this.#sids].entries()) {
      this.#visit(await this.#nodeAt(i), undefined, sid, []);
      await this.#rest();
    }
    this.model.rested();
    if (this.model.violation !== undefined) throw this.model.violation;
  }

  async close(): Promise<void> {
    for (const close of this.#closing) await close();
  }

  async #prepare(): Promise<void> {
    for (const [browser, { user, has }] of this.#history.browsers.entries()) {
      if (has === "a login") {
        this.#visit(await this.#nodeAt(browser), browser, undefined, [{ does: "log in", user }]);
        await this.#rest();
      } else if (has === "an old session") {
        const sid = this.#newSid();
        const tag = this.#newTag(user);
        const ageMs = this.#history.cookie === "an hour" ? COOKIE_AGE_MS : null;
        const expires = ageMs === null ? null : new Date(Date.now() + ageMs);
        this.#sessions.plant(sid, { cookie: { originalMaxAge: ageMs, expires, path: "/" }, userId: user, tag });
        this.model.plant(user, tag, sid);
        this.#cookies[browser] = sid;
      }
    }
  }

  async #start(command: Command): Promise<void> {
    if (command.is !== "rest") this.schedule.note(`--- ${JSON.stringify(command)}`);
    switch (command.is) {
      case "request":
        this.#visit(await this.#anyNodeAt(command.node), command.browser, this.#cookies[command.browser], command.acts);
        break;
      case "leave":
        this.#visit(await this.#nodeAt(command.node), command.browser, this.#cookies[command.browser], "leave");
        break;
      case "kick": {
        const { users } = command;
        this.#kick(await this.#nodeAt(command.node), users.join(), ({ auth }, begins) => {
          begins(({ user }) => users.includes(user));
          return auth.kick(users);
        });
        break;
      }
      case "kick one": {
        const { user, place } = command;
        const work: KickWork = async ({ auth }, begins) => {
          const listed = (await auth.listLogins(user)).items;
          const id = listed[place]?.id;
          if (id === undefined) return;
          begins(({ loginId }) => loginId === id);
          await auth.kickLogin(user, id);
        };
        this.#kick(await this.#nodeAt(command.node), `one of ${user}`, work, true);
        break;
      }
      case "kick others": {
        const { user, place } = command;
        const work: KickWork = async ({ auth }, begins) => {
          const id = (await auth.listLogins(user)).items[place]?.id;
          if (id === undefined) return;
          begins(
            (login) => login.user === user && login.loginId !== id,
            ({ loginId }) => loginId === id,
          );
          await auth.kickOthers(user, id);
        };
        this.#kick(await this.#nodeAt(command.node), `others of ${user}`, work, true);
        break;
      }
      case "kick everyone":
        this.#kick(await this.#nodeAt(command.node), "everyone", ({ auth }, begins) => {
          begins(() => true);
          return auth.kickAll();
        });
        break;
      case "time passes":
        for (let quick = this.schedule.quick; quick.length > 0; quick = this.schedule.quick) {
          await this.#take(quick[this.#choose(quick.length)] ?? 0);
        }
        this.#options.setTime(Date.now() + command.ms);
        await this.#options.redis?.tick();
        this.model.expire();
        break;
      case "crash": {
        const node = await this.#nodeAt(command.node);
        this.schedule.crash(node);
        this.model.crash(node);
        this.#nodes[this.#nodes.indexOf(node)] = undefined;
        break;
      }
      case "rest":
        break;
    }
    await settled();
    await this.#check();
  }

  #visit(node: Node, browser: number | undefined, cookie: string | undefined, acts: readonly Act[] | "leave"): void {
    this.#named += 1;
    const isHarmless = acts !== "leave" && acts.every(({ does }) => (HARMLESS as readonly string[]).includes(does));
    const auth = node instanceof HookedNode ? node.auth : undefined;
    const visit: Visit = {
      name: `r${String(this.#named)}`,
      node,
      cookie,
      readAt: 0,
      met: new Set(),
      isHarmless,
      isAnonymous: true,
      isPlain: auth === undefined,
      registryCalls: 0,
    };
    this.model.visitBegins(visit);
    const { model, schedule } = this;
    const { unset } = this.#history;
    const newTag = (user: string): string => this.#newTag(user);
    const handler: Handler = async (req, res) => {
      for (const what of acts === "leave" ? [] : acts) {
        await schedule.pause(`is about to ${what.does}`);
        await act({ req, res, auth, visit, model, newTag, unset }, what);
      }
      await schedule.pause("answers");
    };
    const path = acts === "leave" ? "/login/profile/logout" : isLogin(acts) ? "/login" : "/";
    const cookieText = cookie ?? "no cookie";
    schedule.note(`${visit.name} begins with ${cookieText}`);
    const answered = schedule.run(visit, () => node.request(path, cookie, handler));
    this.#follow(
      visit,
      answered.then(({ status, cookie: newCookie, sid }) => {
        schedule.note(`${visit.name} is answered ${String(status)}, ${newCookie ?? "no cookie"}`);
        if (browser !== undefined && newCookie !== undefined) this.#cookies[browser] = newCookie || undefined;
        model.visitEnds(visit, sid);
      }),
    );
  }

  #kick(node: HookedNode, whom: string, work: KickWork, namesLogin = false): void {
    this.#named += 1;
    const actor: Actor = { name: `kick${String(this.#named)}`, node };
    const kicks: Kick[] = [];
    const begins: Parameters<KickWork>[1] = (covers, spares = () => false) => {
      const kick = { ...actor, calledAt: 0, namesLogin, covers, spares };
      kicks.push(kick);
      this.model.kickBegins(kick);
    };
    this.schedule.note(`${actor.name} of ${whom} begins`);
    const done = this.schedule.run(actor, () => work(node, begins));
    this.#follow(
      actor,
      done.then(() => {
        this.schedule.note(`${actor.name} is answered`);
        for (const kick of kicks) this.model.kickEnds(kick);
      }),
    );
  }

  /** The app has been handed a session. */
  #found(req: Request): void {
    const visit = currentActor() as Visit;
    const { tag } = req.session;
    this.schedule.note(`${visit.name} finds ${tag ?? "nobody"} in ${req.sessionID}`);
    this.model.found(visit, req.sessionID, tag);
    if (req.path.startsWith("/login/profile")) this.model.changes(visit, { sid: req.sessionID, ends: visit.login });
  }

  #follow(actor: Actor, done: Promise<void>): void {
    done.catch((error: unknown) => {
      this.schedule.note(`${actor.name} fails`);
      this.#failures.push(error);
    });
  }

  async #rest(): Promise<void> {
    await settled();
    await this.#check();
    while (this.schedule.waiting > 0) await this.#take(this.#choose(this.schedule.waiting));
  }

  async #take(position: number): Promise<void> {
    await this.schedule.take(position);
    await this.#check();
  }

  async #check(): Promise<void> {
    if (this.#failures.length > 0) throw this.#failures[0];
    const lists = await Promise.all(USERS.map((user) => this.#list.list(user)));
    this.model.listed(lists.flat());
    if (this.model.violation !== undefined) throw this.model.violation;
  }

  #choose(count: number): number {
    const choice = this.#history.choices[this.#choice] ?? 0;
    this.#choice += 1;
    return choice % count;
  }

  async #node(): Promise<HookedNode> {
    const { redis, coherentCache = false } = this.#options;
    const asked: Model["asked"] = (...call) => {
      this.model.asked(...call);
    };
    if (redis === undefined) {
      return this.#nodeOn(new NodeStore(this.schedule, this.#sessions), watched(this.#memory, asked, this.schedule));
    }
    if (!coherentCache) {
      const registry = new RedisLoginRegistry({ client: redis.client(this.schedule) });
      return this.#nodeOn(new NodeStore(this.schedule, this.#sessions), watched(registry, asked));
    }
    const telling = await redis.telling(this.schedule);
    const { client, arrive } = telling;
    const registry = new RedisLoginRegistry({ client, coherentCache });
    this.#closing.push(async () => {
      await registry.close();
      redis.release(telling);
    });
    const store = Object.assign(new NodeStore(this.schedule, this.#sessions, arrive), { client });
    const node = this.#nodeOn(store, watched(registry, asked));
    // From now on Redis tells.
    await arrive();
    await settled();
    return node;
  }

  #nodeOn(store: NodeStore, registry: LoginRegistry): HookedNode {
    const { waitForTouch = true } = this.#history;
    return new HookedNode({
      ...this.#nodeOptions(store),
      registry,
      maxSessionAgeMs: MAX_SESSION_AGE_MS,
      waitForTouch,
    });
  }

  #nodeOptions(store: NodeStore): NodeOptions {
    const { settings, unset, cookie } = this.#history;
    const maxAge: SessionOptions["cookie"] = cookie === "an hour" ? { maxAge: COOKIE_AGE_MS } : {};
    return {
      store,
      session: { ...SETTINGS[settings], unset, cookie: maxAge, genid: () => this.#newSid() },
      found: (req) => {
        this.#found(req);
      },
    };
  }

  /** Any process, also the one without the package, if there is one: then half of the requests go there. */
  async #anyNodeAt(position: number): Promise<Node> {
    if (this.#history.hasPlainNode !== true || position % 2 === 0) return this.#nodeAt(position);
    return (this.#plainNode ??= new Node(this.#nodeOptions(new NodeStore(this.schedule, this.#sessions))));
  }

  /** Nodes start when they are first asked. */
  async #nodeAt(position: number): Promise<HookedNode> {
    const place = position % this.#nodes.length;
    return (this.#nodes[place] ??= await this.#node());
  }

  #newSid(): string {
    const sid = `S${String(this.#sids.length + 1)}`;
    this.#sids.push(sid);
    return sid;
  }

  #newTag(user: string): string {
    return `${user}${String(this.model.logins.length + 1)}`;
  }
}

/** The login page is never refused. */
function isLogin(acts: readonly Act[]): boolean {
  return acts.some(({ does }) => does.startsWith("log in"));
}
