import type { Request } from "express";
import type { SessionData, SessionOptions } from "express-session";
import {
  MemoryLoginRegistry,
  type LoginKey,
  type LoginProvider,
  type LoginRegistry,
  type LogoutMiddleware,
} from "../../lib/index.js";
import { PROVIDER } from "../../lib/util/provider.js";
import type { ListedLogin } from "../../lib/types/registry.js";
import { RedisLoginRegistry } from "../../lib/registry/redis/index.js";
import { stampOf, type Stamp } from "../../lib/session/stamp.js";
import { SETTINGS } from "../support/race-app.js";
import { act, HARMLESS, LIFETIMES, LOGINS, type Act } from "./acts.js";
import { COOKIE_AGE_MS, MAX_SESSION_AGE_MS, USERS, type Command, type History } from "./history.js";
import type { Rest } from "./at-rest.js";
import type { HistorySqlite } from "./history-sqlite.js";
import { Model, Violation, type Job, type Kick, type ModelLogin, type Visit } from "./model.js";
import { HookedNode, Node, type Handler, type NodeOptions } from "./node.js";
import { loginOptions } from "./policy.js";
import { watched, type HistoryRedis } from "./registries.js";
import { LostReplies } from "./lost-replies.js";
import { currentActor, Schedule, settled, type Actor, type Midst } from "./schedule.js";
import { NodeStore, SharedSessions, type Stored } from "./shared-store.js";

export interface RunOptions {
  /** Where the logins are listed. Default: in memory. */
  readonly redis?: HistoryRedis | undefined;
  /** The same, in an SQLite file: each call of a method is one step. */
  readonly sqlite?: HistorySqlite | undefined;
  /** Whether nodes know logins by notifications of Redis, instead of a lookup for each. Default: false. */
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

type CommandThat<Is extends Command["is"]> = Extract<Command, { is: Is }>;
type KickCommand = CommandThat<
  "kick" | "kick one" | "kick others" | "kick everyone" | "kick everyone else" | "kick where" | "kick by key"
>;

/** The scope and the method of a kick; none if there is no user to kick. */
interface KickPlan {
  readonly covers: Kick["covers"];
  readonly coversLater?: Kick["coversLater"];
  readonly spares?: Kick["spares"];
  readonly namesLoginOf?: Kick["namesLoginOf"];
  readonly of?: Kick["of"];
  readonly run: () => Promise<unknown>;
}

/** A copy of a session that a request has given to a job. */
interface Copy {
  readonly sid: string;
  readonly data: Stored;
  readonly madeAt: number;
}

class World {
  readonly schedule = new Schedule();
  readonly model: Model;
  readonly #history: History;
  readonly #options: RunOptions;
  #begunNodes = 0;
  readonly #sessions: SharedSessions;
  /** The registry through which the checks read the list: at once, and without counting. */
  readonly #list: LoginRegistry;
  readonly #memory: MemoryLoginRegistry;
  readonly #nodes: (HookedNode | undefined)[];
  #plainNode: Node | undefined;
  readonly #cookies: (string | undefined)[];
  readonly #sids: string[] = [];
  readonly #failures: unknown[] = [];
  readonly #closing: (() => Promise<void>)[] = [];
  readonly #copies: Copy[] = [];
  readonly #deleted = new Set<string>();
  /** The logins that a node has found in a session which was deleted then, and which it has asked for again. */
  readonly #missed = new Set<ModelLogin>();
  readonly #lostReplies = new WeakMap<HookedNode, LostReplies>();
  /** The crash to come: the node that is in the midst of this act stops, after this number of steps. */
  #crash: { readonly midst: Midst; steps: number } | undefined;
  #isWhole = true;
  #named = 0;
  #choice = 0;

  constructor(history: History, options: RunOptions) {
    this.#history = history;
    this.#options = options;
    this.model = new Model({
      kicksAlone: history.hasPlainNode === true,
      policy: history.policy,
      hasKeys: history.hasKeys === true,
    });
    this.#memory = options.memory ?? new MemoryLoginRegistry();
    this.#nodes = Array.from({ length: history.nodes }, () => undefined);
    this.#sessions = new SharedSessions(this.model, MAX_SESSION_AGE_MS);
    this.model.sessions = this.#sessions;
    options.sqlite?.reset();
    this.#list =
      options.redis === undefined
        ? (options.sqlite?.registry() ?? this.#memory)
        : new RedisLoginRegistry({ client: options.redis.client() });
    this.#list.init({ appId: "shop", maxSessionAgeMs: MAX_SESSION_AGE_MS });
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
    this.#crash = undefined;
    await this.#checkAtRest(false);
    // Every cookie that there ever was is tried again, where a session was deleted also on the nodes that knew it.
    const isKnown = this.#options.coherentCache === true || this.#history.store === "well known";
    for (const [i, sid] of [...this.#sids].entries()) {
      const knowing = isKnown && this.#deleted.has(sid) ? this.#nodesThatKnow(sid) : [];
      for (const [, login] of knowing) this.#missed.add(login);
      for (const node of [await this.#nodeAt(i), ...knowing.map(([known]) => known)]) {
        this.#visit(node, undefined, sid, []);
        await this.#rest();
      }
    }
    await this.#checkAtRest(true);
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
      case "kick":
      case "kick one":
      case "kick others":
      case "kick everyone":
      case "kick where":
      case "kick by key":
      case "kick everyone else":
        this.#kick(await this.#nodeAt(command.node), command);
        break;
      case "job":
        this.#job(await this.#nodeAt(command.node), command);
        break;
      case "page":
        this.#page(await this.#nodeAt(command.node), command.of);
        break;
      case "delete": {
        const sid = this.#cookies[command.browser];
        if (sid === undefined) break;
        this.#sessions.drop(sid);
        this.model.deleted(sid);
        this.#deleted.add(sid);
        break;
      }
      case "lose a reply":
        this.#lostReplies.get(await this.#nodeAt(command.node))?.lose(command.to);
        break;
      case "time passes":
        for (let quick = this.schedule.quick; quick.length > 0; quick = this.schedule.quick) {
          await this.#take(quick[this.#choose(quick.length)] ?? 0);
        }
        this.#options.setTime(Date.now() + command.ms);
        await this.#options.redis?.tick();
        this.model.expire();
        break;
      case "crash":
        if ("midst" in command) this.#crash = { midst: command.midst, steps: command.steps };
        else this.#stop(await this.#nodeAt(command.node));
        break;
      case "rest":
        break;
    }
    await settled();
    await this.#check();
  }

  #visit(node: Node, browser: number | undefined, cookie: string | undefined, acts: readonly Act[] | "leave"): void {
    this.#named += 1;
    const isHarmless = acts !== "leave" && acts.every(({ does }) => CHANGES_NOBODY.includes(does));
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
      hasRead: new Set(),
      midst: new Set(),
    };
    this.model.visitBegins(visit);
    const { model, schedule } = this;
    const { unset } = this.#history;
    const newTag = (user: string): string => this.#newTag(user);
    const keepCopy = (req: Request): void => {
      const data = JSON.parse(JSON.stringify(req.session)) as Stored;
      if (data.userId !== undefined) this.#copies.push({ sid: req.sessionID, data, madeAt: Date.now() });
    };
    const kick = async (ofNode: LogoutMiddleware, user: string): Promise<void> => {
      const begun = { name: `the kick of ${visit.name}`, node, calledAt: 0, namesLoginOf: () => false };
      const whole = { ...begun, covers: (login: ModelLogin) => login.user === user };
      model.kickBegins(whole);
      await ofNode.kick(user);
      model.kickEnds(whole);
    };
    const handler: Handler = async (req, res) => {
      for (const what of acts === "leave" ? [] : acts) {
        await schedule.pause(`is about to ${what.does}`);
        await act({ req, res, auth, visit, model, newTag, keepCopy, kick, unset }, what);
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

  #kick(node: HookedNode, command: KickCommand): void {
    this.#named += 1;
    const { breaksOff } = command;
    const name = `kick${String(this.#named)}`;
    const actor: Actor = { name, node, midst: new Set(["a kick"]), failsIn: breaksOff && { ...breaksOff } };
    this.schedule.note(`${name} begins`);
    const cookie = command.is === "kick everyone else" ? this.#cookies[command.browser] : undefined;
    const [, stored] = this.#sessions.live.find(([sid]) => sid === cookie) ?? [];
    const stamp = stored && stampOf({ ...stored });
    const work = async (): Promise<void> => {
      const plan =
        command.is === "kick everyone else"
          ? kickOfOthers(node, stamp)
          : await planOf(node, command, this.model.logins);
      if (plan === undefined) return;
      const isBroken = await this.#kickOnce(actor, plan);
      if (isBroken && breaksOff?.isRepeated === true) await this.#kickOnce(actor, plan);
    };
    this.#follow(actor, this.schedule.run(actor, work));
  }

  /** @returns whether the kick was interrupted, as by a failing store. */
  async #kickOnce(
    actor: Actor,
    { run, covers, coversLater, spares = () => false, namesLoginOf = () => false, of = "everything" }: KickPlan,
  ): Promise<boolean> {
    const kick = { name: actor.name, node: actor.node, calledAt: 0, namesLoginOf, covers, coversLater, spares, of };
    const mayBreakOff = actor.failsIn !== undefined;
    this.model.kickBegins(kick);
    try {
      await run();
    } catch (error) {
      if (!mayBreakOff || (error as { code?: unknown }).code !== "ERR_KICK_INCOMPLETE") throw error;
      this.schedule.note(`${actor.name} breaks off`);
      this.model.kickBreaksOff(kick);
      return true;
    }
    this.schedule.note(`${actor.name} is answered`);
    this.model.kickEnds(kick);
    return false;
  }

  #job(node: HookedNode, { browser, copy: place, pauses }: CommandThat<"job">): void {
    const kept = place === undefined ? undefined : this.#copies[place % this.#copies.length];
    const sid = kept?.sid ?? this.#cookies[browser];
    if (sid === undefined) return;
    this.#named += 1;
    const name = `job${String(this.#named)}`;
    // What it writes may be older than what is read on the way.
    const job: Job = { name, node, hasUnawaitedSave: true };
    const { schedule, model } = this;
    this.model.jobBegins(job);
    schedule.note(`${name} begins with ${kept === undefined ? sid : `a copy of ${sid}: ${JSON.stringify(kept.data)}`}`);
    const readAt = kept?.madeAt ?? Date.now();
    const work = async (): Promise<void> => {
      const data = kept?.data ?? (await schedule.step(`reads ${sid} by itself`, () => this.#sessions.get(sid)));
      if (pauses) await schedule.pause("is about to set it");
      // Kicks are remembered for as long as a session can live.
      if (data === undefined || Date.now() - readAt >= MAX_SESSION_AGE_MS) return;
      if (!model.jobSets(job, sid, data, kept !== undefined)) return;
      await node.set(sid, { ...data, visits: -1 } as unknown as SessionData);
    };
    const done = schedule.run(job, work);
    this.#follow(
      job,
      done.then(() => {
        model.jobEnds(job);
      }),
    );
  }

  #page(node: HookedNode, of: CommandThat<"page">["of"]): void {
    this.#named += 1;
    const actor: Actor = { name: `page${String(this.#named)}`, node };
    const read = async (): Promise<void> => {
      const asked = this.model.moment();
      const logins =
        of === "everyone"
          ? (await node.auth.listActiveUsers()).items.flatMap((user) => user.logins)
          : (await node.auth.listLogins(of)).items;
      this.model.shown(actor.name, asked, logins);
    };
    this.#follow(actor, this.schedule.run(actor, read));
  }

  #stop(node: HookedNode): void {
    this.#isWhole = false;
    this.schedule.crash(node);
    this.model.crash(node);
    this.#nodes[this.#nodes.indexOf(node)] = undefined;
  }

  #nodesThatKnow(sid: string): readonly (readonly [HookedNode, ModelLogin])[] {
    const knowing = this.model.nodesThatKnow(sid);
    return this.#nodes.flatMap((node) => {
      const login = node && knowing.get(node);
      return node === undefined || login === undefined ? [] : [[node, login] as const];
    });
  }

  /** The app has been handed a session. */
  #found(req: Request): void {
    const visit = currentActor() as Visit;
    const { tag } = req.session;
    this.schedule.note(`${visit.name} finds ${tag ?? "no user"} in ${req.sessionID}`);
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
    const { node, midst } = await this.schedule.take(position);
    await this.#check();
    if (this.#crash === undefined || midst?.has(this.#crash.midst) !== true || !(node instanceof HookedNode)) return;
    this.#crash.steps -= 1;
    if (this.#crash.steps > 0 || !this.#nodes.includes(node)) return;
    this.schedule.note(`a node stops in the midst of ${this.#crash.midst}`);
    this.#crash = undefined;
    this.#stop(node);
  }

  async #check(): Promise<void> {
    if (this.#failures.length > 0) throw this.#failures[0];
    const found = await Promise.all(this.model.ids.map(({ userId, id }) => this.#find(userId, id)));
    const now = Date.now();
    const logins = found.filter((login) => login !== undefined);
    const expired = logins.filter(({ expires }) => +expires <= now);
    this.model.listed(
      logins.filter((login) => !expired.includes(login)),
      expired,
    );
    if (this.model.violation !== undefined) throw this.model.violation;
  }

  /** Returns the listed login, even if a faulty registry denies it. */
  #find(userId: string, id: string): Promise<ListedLogin | undefined> {
    return this.#list === this.#memory
      ? MemoryLoginRegistry.prototype.find.call(this.#memory, userId, id)
      : this.#list.find(userId, id);
  }

  async #checkAtRest(isAskedFor: boolean): Promise<void> {
    await this.#check();
    const list = (user: string) => this.#list.list(user, { offset: 0, limit: 1_000 });
    const lists = await Promise.all(USERS.map(async (user) => [user, await list(user)] as const));
    const rest: Rest = {
      now: Date.now(),
      isAskedFor,
      isWhole: this.#isWhole,
      sessions: this.#sessions.live,
      expiresAt: (sid) => this.#sessions.expiresAt(sid),
      deleted: this.#deleted,
      missed: this.#missed,
      lists: new Map(lists),
      // One more than there can be: a row that a user still has in a shard from before counts until its page is read.
      online: await this.#list.activeUsers({ offset: 0, limit: 2 * USERS.length }),
    };
    this.model.rested(rest);
    if (this.model.violation !== undefined) throw this.model.violation;
  }

  #choose(count: number): number {
    const choice = this.#history.choices[this.#choice] ?? 0;
    this.#choice += 1;
    return choice % count;
  }

  async #node(): Promise<HookedNode> {
    const { redis, sqlite, coherentCache = false } = this.#options;
    const { model, schedule } = this;
    if (redis === undefined) {
      return this.#nodeOn(this.#store(), watched(sqlite?.registry() ?? this.#memory, model, schedule));
    }
    const lostReplies = new LostReplies();
    const node = coherentCache
      ? await this.#nodeWithCache(redis, lostReplies)
      : this.#nodeOn(
          this.#store(),
          watched(
            new RedisLoginRegistry({ client: redis.client(schedule, lostReplies), indexShards: this.#indexShards() }),
            model,
          ),
        );
    this.#lostReplies.set(node, lostReplies);
    return node;
  }

  #indexShards(): number | undefined {
    this.#begunNodes += 1;
    return this.#begunNodes % 2 === 0 ? this.#history.shards : undefined;
  }

  #store(): NodeStore {
    const store = new NodeStore(this.schedule, this.#sessions);
    return this.#history.store === "well known" ? store.asConnectRedis({ isReady: true }) : store;
  }

  async #nodeWithCache(redis: HistoryRedis, lostReplies: LostReplies): Promise<HookedNode> {
    const tracking = await redis.tracking(this.schedule, lostReplies);
    const { client, arrive } = tracking;
    const registry = new RedisLoginRegistry({ client, coherentCache: true, indexShards: this.#indexShards() });
    this.#closing.push(async () => {
      await registry.close();
      redis.release(tracking);
    });
    const store = new NodeStore(this.schedule, this.#sessions, { client, arrive }).asConnectRedis(client);
    const node = this.#nodeOn(store, watched(registry, this.model));
    // From now on Redis notifies.
    await arrive();
    await settled();
    return node;
  }

  #nodeOn(store: NodeStore, registry: LoginRegistry): HookedNode {
    const { waitForTouch = true, policy, hasKeys = false } = this.#history;
    const keys = hasKeys ? { providers: [KEYS] } : undefined;
    return new HookedNode({
      ...this.#nodeOptions(store),
      logins: policy === undefined ? keys : loginOptions(policy),
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

const CHANGES_NOBODY: readonly string[] = [...HARMLESS, ...LIFETIMES];
const LOGS_IN: readonly string[] = LOGINS;

/** The login page is never refused. */
function isLogin(acts: readonly Act[]): boolean {
  return acts.some(({ does }) => LOGS_IN.includes(does));
}

/** A kick of everyone but the login with this stamp. */
function kickOfOthers({ auth }: HookedNode, stamp: Stamp | undefined): KickPlan | undefined {
  if (stamp === undefined) return undefined;
  const { userId, loginId } = stamp;
  const isNamed = (login: ModelLogin): boolean => login.user === userId && login.ids.has(loginId);
  return {
    covers: (login) => !isNamed(login),
    spares: isNamed,
    namesLoginOf: (user) => user === userId,
    run: () => auth.kickAll({ except: [loginId] }),
  };
}

/** A kick by the key of a user, or of one of their logins. */
function kickByKey(
  auth: LogoutMiddleware,
  { user, place, signedAgo }: CommandThat<"kick by key">,
  logins: readonly ModelLogin[],
): KickPlan {
  const begun = logins.filter((login) => login.user === user);
  const tag = place === undefined ? undefined : begun[place % begun.length]?.tag;
  const carriesKey = (login: ModelLogin): boolean => (tag === undefined ? login.user === user : login.tag === tag);
  const key = tag === undefined ? { user } : { tag };
  if (signedAgo === undefined) return { covers: carriesKey, run: () => auth.kickByKey(key) };
  const authenticatedBefore = Math.max(0, logins.length - signedAgo);
  const covers = (login: ModelLogin): boolean => carriesKey(login) && numberOf(login.tag) <= authenticatedBefore;
  return { covers, coversLater: covers, run: () => auth.kickByKey(key, { authenticatedBefore }) };
}

/** The keys of a session of the histories: its user and its login. The number in the tag is the issuer's clock. */
const KEYS: LoginProvider = {
  [PROVIDER]: {
    keysOf: ({ userId, tag }) =>
      userId === undefined || tag === undefined
        ? []
        : [{ user: String(userId) }, { tag }].map((key: LoginKey) => ({ key, since: numberOf(tag) })),
    routes: [],
  },
};

/** How many logins had begun before, with this one. */
function numberOf(tag: string): number {
  return Number(/\d+$/.exec(tag)?.[0]);
}

async function planOf(
  { auth }: HookedNode,
  command: Exclude<KickCommand, CommandThat<"kick everyone else">>,
  logins: readonly ModelLogin[],
): Promise<KickPlan | undefined> {
  if (command.is === "kick by key") return kickByKey(auth, command, logins);
  if (command.is === "kick everyone") return { covers: () => true, run: () => auth.kickAll() };
  if (command.is === "kick") {
    const { users } = command;
    return { covers: ({ user }) => users.includes(user), run: () => auth.kick(users) };
  }
  if (command.is === "kick where") {
    const { user } = command;
    return {
      covers: (login) => login.user === user,
      namesLoginOf: () => true,
      of: "the list",
      run: () => auth.kickWhere(({ userId }) => userId === user),
    };
  }
  const { is, user, place } = command;
  const id = (await auth.listLogins(user)).items[place]?.id;
  if (id === undefined) return undefined;
  const isNamed = (login: ModelLogin): boolean => login.user === user && login.ids.has(id);
  const namesLoginOf = (): boolean => true;
  if (is === "kick one") return { covers: isNamed, namesLoginOf, run: () => auth.kickLogin(user, id) };
  const covers = (login: ModelLogin): boolean => login.user === user && !isNamed(login);
  return { covers, spares: isNamed, namesLoginOf, run: () => auth.kick(user, { except: id }) };
}
