import { setTimeout as wait } from "node:timers/promises";
import type { Log, LoginEntry, Outcome } from "./log.js";
import type { Random } from "../../support/random.js";
import type { ClientAnswer, SiteClient } from "./site-client.js";

export interface LoadOptions {
  readonly nodes: readonly SiteClient[];
  readonly users: readonly string[];
  readonly password: string;
  readonly adminToken: string;
  readonly log: Log;
  readonly random: Random;
  /** How many devices send requests, one or two at a time each. */
  readonly devices: number;
}

/** A device's login, and the cookie that carries it. */
interface Held {
  readonly login: LoginEntry;
  readonly cookie: string;
}

const PAGES = ["/me", "/me", "/me", "/me", "/me", "/slow", "/slow", "/u"];
/** Of how many logins that are over the cookies are kept, to be tried again and again. */
const OLD_COOKIES = 2_000;

/** Devices on which users log in, look at pages, write to their sessions, log out and are kicked, until it is stopped. */
export class Load {
  readonly #options: LoadOptions;
  readonly #old: Held[] = [];
  readonly #secrets = new Set<string>();
  #isOver = false;
  #loginId = 0;
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  /** Every session cookie that was ever set. */
  get secrets(): ReadonlySet<string> {
    return this.#secrets;
  }

  start(): void {
    const { devices, nodes } = this.#options;
    // One kicker for each node, so that a hanging node does not stop the other kickers.
    const kickers = [...nodes.map((node) => () => node), () => this.#anyNode()];
    this.#running = Promise.all([
      ...Array.from({ length: devices }, () => this.#useDevice()),
      ...kickers.map((node) => this.#kickAgainAndAgain(node)),
    ]);
  }

  /** Ends the load; at last every old cookie is tried on every node. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
    for (const held of this.#old) {
      for (const node of this.#options.nodes) await this.#look(held, "/me", node);
    }
  }

  /** Whether a user can log in at this node, and is served. */
  async works(node: SiteClient): Promise<boolean> {
    const held = await this.#logIn(node);
    // A rejection of a user who is just being kicked does not mean an outage.
    return held !== undefined && ["served", "refused"].includes(await this.#look(held, "/me", node));
  }

  async #useDevice(): Promise<void> {
    const { random } = this.#options;
    let held: Held | undefined;
    while (!this.#isOver) {
      await wait(random.between(0, 40));
      held = held === undefined ? await this.#logIn(this.#anyNode()) : await this.#goOn(held);
      if (held === undefined) await wait(random.between(0, 100));
      if (random.chance(0.2) && this.#old.length > 0) await this.#look(random.of(this.#old), "/me", this.#anyNode());
    }
  }

  /** The next act of a device. @returns the login with which it continues. */
  async #goOn(held: Held): Promise<Held | undefined> {
    const { random } = this.#options;
    if (random.chance(0.02)) return this.#logOut(held);
    if (random.chance(0.03)) return this.#logIn(this.#anyNode(), held);
    const looks = Array.from({ length: random.whole(1, 2) }, () => this.#look(held, random.of(PAGES), this.#anyNode()));
    const outcomes = await Promise.all(looks);
    if (!outcomes.includes("refused")) return held;
    this.#over(held);
    return undefined;
  }

  /** Logs in, with the cookie of an earlier login of the same user if there is one: its session id changes then. */
  async #logIn(node: SiteClient, earlier?: Held): Promise<Held | undefined> {
    const { users, password, random, log } = this.#options;
    const userId = earlier?.login.userId ?? random.of(users);
    const answer = await node.send("POST", "/login", {
      cookie: earlier?.cookie,
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ username: userId, password }).toString(),
    });
    const { status, location, cookie, began, ended } = answer;
    if (cookie) this.#secrets.add(cookie);
    const isDone = status === 303 && location === "/" && Boolean(cookie);
    if (earlier !== undefined) {
      log.ends.push({ of: { loginId: earlier.login.id }, began, ended, isDone });
      this.#over(earlier);
    }
    if (!isDone || !cookie) return undefined;
    const login = { id: ++this.#loginId, userId, began, ended };
    log.logins.push(login);
    return { login, cookie };
  }

  async #logOut(held: Held): Promise<undefined> {
    const { status, location, began, ended } = await this.#anyNode().send("GET", "/login/profile/logout", {
      cookie: held.cookie,
    });
    const isDone = status === 302 && location === "/";
    this.#options.log.ends.push({ of: { loginId: held.login.id }, began, ended, isDone });
    this.#over(held);
  }

  async #look({ login, cookie }: Held, path: string, node: SiteClient): Promise<Outcome> {
    const answer = await node.send("GET", path, { cookie });
    const { began, ended } = answer;
    if (answer.cookie) this.#secrets.add(answer.cookie);
    const outcome = outcomeOf(answer);
    const servedAs =
      outcome === "served" && path === "/me" ? (JSON.parse(answer.body) as { user: string }).user : undefined;
    this.#options.log.requests.push({ loginId: login.id, what: `GET ${path}`, outcome, servedAs, began, ended });
    return outcome;
  }

  async #kickAgainAndAgain(node: () => SiteClient): Promise<void> {
    const { random, users, adminToken, log } = this.#options;
    while (!this.#isOver) {
      await wait(random.between(50, 600));
      const userIds = Array.from({ length: random.whole(1, 3) }, () => random.of(users));
      const { status, began, ended } = await node().send("POST", "/api/applications/shop/kick-active-users", {
        headers: {
          authorization: adminToken,
          "x-authing-userpool-id": "acme",
          "content-type": "application/json",
        },
        body: JSON.stringify({ userIds, appId: "shop" }),
      });
      log.ends.push({ of: { userIds }, began, ended, isDone: status === 200 });
    }
  }

  #anyNode(): SiteClient {
    return this.#options.random.of(this.#options.nodes);
  }

  /** The device drops this cookie; another client keeps trying it. */
  #over(held: Held): void {
    if (this.#old.length < OLD_COOKIES) this.#old.push(held);
    else this.#old[this.#options.random.whole(0, OLD_COOKIES - 1)] = held;
  }
}

function outcomeOf({ status, location }: ClientAnswer): Outcome {
  if (status === 0) return "lost";
  if (status >= 500) return "unavailable";
  if (status === 200) return "served";
  if (status === 401 || location?.startsWith("/login") === true) return "refused";
  throw new Error(`an unexpected answer: ${String(status)} to ${String(location)}`);
}
