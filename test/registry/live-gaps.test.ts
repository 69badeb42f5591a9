import { EventEmitter } from "node:events";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { RedisStore } from "connect-redis";
import { createClient } from "redis";
import type { LogoutOptions } from "../../lib/index.js";
import { RedisLoginRegistry } from "../../lib/registry/redis/index.js";
import { Heard } from "../support/heard.js";
import { Browser } from "../support/http.js";
import { save } from "../support/race-app.js";
import { startNetwork, type Network } from "../support/network.js";
import { LiveThings, WAYS, type Live } from "../support/live.js";
import { startRedis, type RedisServer } from "../support/redis-server.js";
import { useSites, type Site, type SiteOptions } from "../support/site.js";
import type { Backend } from "../support/stores.js";

jest.setTimeout(60_000);

const REASON = "The password was changed.";
const APP_ID = "shop";
const CHANNEL = `express-logout:{${APP_ID}}:news`;

const makeClient = (url: string) => createClient({ url, socket: { reconnectStrategy: 10 } });
type Client = ReturnType<typeof makeClient>;

let redis: RedisServer;
let admin: Client;
let network: Network;
const clients: Client[] = [];

beforeEach(async () => {
  redis = await startRedis();
  network = await startNetwork(redis.port);
  admin = await connectTo(redis.url);
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await network.close();
  await redis.stop();
});
const openSite = useSites();

async function connectTo(url: string): Promise<Client> {
  const client = makeClient(url);
  // The assertions show the failure.
  client.on("error", () => undefined);
  clients.push(client);
  await client.connect();
  return client;
}

/** A node with its own client. */
async function openNode(
  url: string,
  auth: Partial<LogoutOptions> = {},
  more: Partial<SiteOptions> = {},
  timeoutMs = 300,
): Promise<{ site: Site; things: LiveThings }> {
  const client = await connectTo(url);
  const backend: Backend = {
    name: "a node",
    isShared: true,
    browserSessionMs: 86_400_000,
    start: () => Promise.resolve(),
    open: () => ({ store: new RedisStore({ client }), registry: new RedisLoginRegistry({ client, timeoutMs }) }),
    openBare: () => new RedisStore({ client }),
    stop: () => Promise.resolve(),
  };
  const things = new LiveThings();
  const after: SiteOptions["after"] = (app, given) => {
    things.addRoutes(app, given);
    app.post("/clear", (req, res, next) => {
      req.sessionStore.clear?.((error) => (error == null ? res.send("cleared") : next(error)));
    });
  };
  const sessions = { liveCheckIntervalMs: 200, storeTimeoutMs: timeoutMs, ...auth.sessions };
  const options = { appId: APP_ID, ...auth, sessions };
  return { site: await openSite({ backend, listensTo: [], after, ...more, auth: options }), things };
}

const overNetwork = (): string => `redis://127.0.0.1:${String(network.port)}`;
const openPoll = (site: Site, things: LiveThings, browser: Browser): Promise<Live> =>
  WAYS["a long poll"](site, browser, things);
const subscribers = async (): Promise<number> => Number((await admin.pubSubNumSub(CHANNEL))[CHANNEL]);
const subscriptions = async (): Promise<number> => {
  const list: string = await admin.sendCommand(["CLIENT", "LIST", "TYPE", "pubsub"]);
  return list.split("\n").filter((row) => row !== "").length;
};

/** Polls until the condition holds. Events are handled between the polls. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise(setImmediate);
}

describe("a node whose notifications are interrupted", () => {
  /** So long that connections end only by notifications, or because notifications are back. */
  const NEVER_MS = 600_000;

  async function openNodes() {
    const node = await openNode(
      overNetwork(),
      { sessions: { liveCheckIntervalMs: NEVER_MS } },
      { listensTo: ["kick"] },
    );
    const other = await openNode(redis.url);
    while (node.site.events.length === 0) {
      await other.site.login("the first");
      await other.site.auth.kick("the first");
    }
    return [node, other] as const;
  }

  it("ends connections of logins kicked meanwhile once they are restored", async () => {
    const [node, other] = await openNodes();
    const browser = await node.site.login("alice");
    const poll = await openPoll(node.site, node.things, browser);
    const events = await WAYS["server-sent events"](node.site, browser, node.things);
    network.cut();
    await until(async () => (await subscribers()) === 0);
    await other.site.auth.kick("alice", { reason: REASON });
    expect(node.things.signals.map(({ aborted }) => aborted)).toEqual([false, false]);
    network.mend();
    expect(await poll.ended).toMatchObject({ cause: "kick", reason: REASON });
    expect(await events.ended).toMatchObject({ cause: "kick", reason: REASON });
  });

  it("ends connections of logins kicked afterwards", async () => {
    const [node, other] = await openNodes();
    const poll = await openPoll(node.site, node.things, await node.site.login("alice"));
    network.cut();
    await until(async () => (await subscribers()) === 0);
    network.mend();
    await until(async () => (await subscribers()) === 1);
    await other.site.auth.kick("alice", { reason: REASON });
    expect(await poll.ended).toMatchObject({ cause: "kick", reason: REASON });
  });
});

describe("a subscription that is killed while users are kicked", () => {
  it("misses no kick", async () => {
    const [node, other] = [await openNode(redis.url), await openNode(redis.url)];
    for (let round = 0; round < 10; round += 1) {
      const poll = await openPoll(node.site, node.things, await node.site.login("alice"));
      await until(async () => (await subscribers()) === 1);
      const killed = admin.sendCommand(["CLIENT", "KILL", "TYPE", "pubsub"]);
      await other.site.auth.kick("alice", { reason: `round ${String(round)}` });
      await killed;
      expect(await poll.ended).toMatchObject({ reason: `round ${String(round)}` });
    }
  });
});

describe("a Redis that hangs for a while", () => {
  it("ends no connection by itself; later kicks do", async () => {
    const [node, other] = [await openNode(redis.url), await openNode(redis.url)];
    const browser = await node.site.login("alice");
    const poll = await openPoll(node.site, node.things, browser);
    redis.pause();
    for (let times = 0; times < 3; times += 1) expect((await browser.get("/me")).status).toBe(503);
    expect(node.things.signals.map(({ aborted }) => aborted)).toEqual([false]);
    redis.resume();
    await until(async () => (await browser.get("/me")).status === 200);
    await other.site.auth.kick("alice", { reason: REASON });
    expect(await poll.ended).toMatchObject({ cause: "kick", reason: REASON });
  });
});

describe("a Redis server that loses its data", () => {
  it("ends connections once an empty server is up, and not before", async () => {
    const { site, things } = await openNode(redis.url);
    const browser = await site.login("alice");
    const poll = await openPoll(site, things, browser);
    await redis.kill();
    for (let times = 0; times < 3; times += 1) expect((await browser.get("/me")).status).toBeGreaterThanOrEqual(500);
    expect(things.signals.map(({ aborted }) => aborted)).toEqual([false]);
    await redis.restart();
    expect(await poll.ended).toMatchObject({ cause: "logout" });
  });
});

describe("a user of Redis who may neither publish nor subscribe", () => {
  async function openNodes() {
    await admin.sendCommand("ACL SETUSER app on >word ~* +@all resetchannels".split(" "));
    const url = redis.url.replace("redis://", "redis://app:word@");
    return [await openNode(url, { sessions: { liveCheckIntervalMs: 50 } }), await openNode(url)] as const;
  }

  it("kicks all the same, and ended logins are polled at every interval", async () => {
    const [node, other] = await openNodes();
    const browser = await node.site.login("alice");
    const poll = await openPoll(node.site, node.things, browser);
    expect(await other.site.auth.kick("alice", { reason: REASON })).toEqual({ users: 1, logins: 1 });
    expect(await poll.ended).toMatchObject({ cause: "kick", reason: REASON });
    expect(await subscribers()).toBe(0);
  });

  it("can empty the store", async () => {
    const [node] = await openNodes();
    const poll = await openPoll(node.site, node.things, await node.site.login("alice"));
    expect((await new Browser(node.site.url).post("/clear")).text).toBe("cleared");
    expect(await poll.ended).toMatchObject({ cause: "kick" });
  });
});

describe("foreign messages on the channel", () => {
  it.each(["", "{", "null", "7", "[7]", '["%"]', '["alice","x"]'])(
    "makes look at the list, no more: %j",
    async (text) => {
      const heard = new Heard();
      const registry = new RedisLoginRegistry({ client: admin });
      registry.init({ appId: APP_ID, maxSessionAgeMs: 60_000 });
      const subscription = registry.subscribe(heard, { checkIntervalMs: 60_000 });
      await heard.until(() => heard.isListening);
      await heard.until(() => heard.looks > 0);
      const [looks, connected] = [heard.looks, jest.spyOn(heard, "connected")];
      await admin.publish(CHANNEL, text);
      await heard.until(() => heard.looks > looks);
      expect([heard.news, connected.mock.calls, heard.isListening]).toEqual([[], [], true]);
      await subscription.close();
    },
  );
});

describe("the subscription of a process", () => {
  const MANY = 1_000;

  it("opens on first use, serves 1,000 logins, and closes when no connection is left", async () => {
    const signals: AbortSignal[] = [];
    const live: EventEmitter[] = [];
    const { site } = await openNode(
      redis.url,
      {},
      {
        after: (app, auth) => {
          app.get("/many/:user", (req, res, next) => {
            req.session.userId = req.params.user;
            save(req).then(() => {
              const closing = new EventEmitter();
              if (req.query["live"] !== undefined) {
                live.push(closing);
                signals.push(auth.signal(req, closing));
              }
              res.json({});
            }, next);
          });
        },
      },
      // On a busy machine, 50 logins at once may take long.
      10_000,
    );
    await site.ask("GET", "/many/alice");
    await site.auth.kick("alice");
    expect(await subscriptions()).toBe(0);
    const users = Array.from({ length: MANY }, (_, index) => `/many/${String(index)}?live`);
    for (let start = 0; start < MANY; start += 50) {
      const answers = await Promise.all(users.slice(start, start + 50).map((user) => site.ask("GET", user)));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    }
    expect([await subscribers(), await subscriptions()]).toEqual([1, 1]);
    const half = MANY / 2;
    await site.auth.kick(Array.from({ length: half }, (_, index) => String(index)));
    await until(() => Promise.resolve(signals.filter(({ aborted }) => aborted).length === half));
    expect(await subscriptions()).toBe(1);
    for (const closing of live) closing.emit("close");
    await until(async () => (await subscriptions()) === 0);
    await site.ask("GET", "/many/alice?live");
    await until(async () => (await subscriptions()) === 1);
    await site.auth.close();
    await until(async () => (await subscriptions()) === 0);
  });
});
