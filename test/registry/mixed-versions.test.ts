import connectPgSimple from "connect-pg-simple";
import { RedisStore } from "connect-redis";
import session, { type Store } from "express-session";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { Pool } from "pg";
import { logout, type LogoutMiddleware } from "../../lib/index.js";
import { PostgresLoginRegistry } from "../../lib/registry/postgres/index.js";
import { RedisLoginRegistry } from "../../lib/registry/redis/index.js";
import * as old from "../fixtures/express-logout-0.1/index.cjs";
import { Gate } from "../support/gate.js";
import { Browser, serve } from "../support/http.js";
import { startPostgres, type PostgresServer } from "../support/postgres-server.js";
import { HANDLERS, raceApp, SETTINGS } from "../support/race-app.js";
import { connectTo, startRedis, type RedisServer } from "../support/redis-server.js";
import { kickUser, newKick } from "../support/registry-calls.js";

const HOUR_MS = 3_600_000;

// Two servers start, and requests of two versions of the package wait for each other.
jest.setTimeout(60_000);

/** The ways to kick every user, each of whom has one login. */
const KICKS = ["kick", "kickLogin", "kickAll"] as const;
type Kick = (typeof KICKS)[number];

const VERSIONS = ["0.1", "this release"] as const;
type Version = (typeof VERSIONS)[number];

/** A process of one of the versions. */
interface Node {
  readonly url: string;
  readonly gate: Gate;
  kick(how: Kick, userIds: readonly string[]): Promise<unknown>;
  close(): Promise<void>;
}

/** An empty database for sessions and logins. Each process has a session store and a registry of its own. */
interface Database {
  store(): Store;
  readonly registries: Readonly<{
    "0.1": () => Promise<old.RedisLoginRegistry | old.PostgresLoginRegistry>;
    "this release": () => Promise<RedisLoginRegistry | PostgresLoginRegistry>;
  }>;
  close(): Promise<void>;
}

let redis: RedisServer;
let client: Awaited<ReturnType<typeof connectTo>>;
let postgres: PostgresServer;
let schemas = 0;
beforeAll(async () => {
  redis = await startRedis();
  client = await connectTo(redis);
  postgres = await startPostgres();
});
afterAll(async () => {
  client.destroy();
  await redis.stop();
  await postgres.stop();
});

function onRedis(): Database {
  return {
    store: () => new RedisStore({ client }),
    registries: {
      "0.1": () => Promise.resolve(new old.RedisLoginRegistry({ client })),
      "this release": () => Promise.resolve(new RedisLoginRegistry({ client })),
    },
    close: () => client.flushAll().then(() => undefined),
  };
}

/** A schema of its own, whose tables the first process creates. */
async function onPostgres(): Promise<Database> {
  const schema = `version_${String((schemas += 1))}`;
  const pools: Pool[] = [];
  const pool = (): Pool => {
    const created = new Pool({ connectionString: postgres.url, options: `-c search_path=${schema}` });
    pools.push(created);
    return created;
  };
  const sessions = pool();
  await sessions.query(`CREATE SCHEMA ${schema}`);
  const migrated = async <Registry extends { migrate(): Promise<void> }>(registry: Registry): Promise<Registry> => {
    await registry.migrate();
    return registry;
  };
  return {
    store: () =>
      new (connectPgSimple(session))({ pool: sessions, createTableIfMissing: true, pruneSessionInterval: false }),
    registries: {
      "0.1": () => migrated(new old.PostgresLoginRegistry({ pool: pool() })),
      "this release": () => migrated(new PostgresLoginRegistry({ pool: pool() })),
    },
    close: () => Promise.all(pools.map((each) => each.end())).then(() => undefined),
  };
}

const nodes: Node[] = [];

async function serveNode(store: Store, auth: old.LogoutRouter | LogoutMiddleware, kick: Node["kick"]): Promise<Node> {
  const gate = new Gate();
  const settings = SETTINGS["eager"] ?? {};
  const server = await serve(raceApp({ store, settings, gate, auth: auth as LogoutMiddleware }));
  const close = async (): Promise<void> => {
    gate.open();
    await server.close();
    await auth.close();
  };
  const node = { url: server.url, gate, kick, close };
  nodes.push(node);
  return node;
}

async function openNode(database: Database, version: Version, appId: string): Promise<Node> {
  const store = database.store();
  if (version === "0.1") {
    const auth = old.logout({ store, registry: await database.registries[version](), appId, userPoolId: "pool" });
    const loginOf = async (userId: string): Promise<string> => (await auth.logins(userId))[0]?.id ?? "none";
    return serveNode(store, auth, async (how, userIds) => {
      if (how === "kickAll") return auth.kickAll();
      if (how === "kick") return auth.kick(userIds);
      return Promise.all(userIds.map(async (userId) => auth.kickLogin(userId, await loginOf(userId))));
    });
  }
  const auth = logout({ store, registry: await database.registries[version](), appId });
  const loginOf = async (userId: string): Promise<string> => (await auth.listLogins(userId)).items[0]?.id ?? "none";
  return serveNode(store, auth, async (how, userIds) => {
    if (how === "kickAll") return auth.kickAll();
    if (how === "kick") return auth.kick(userIds);
    return Promise.all(userIds.map(async (userId) => auth.kickLogin(userId, await loginOf(userId))));
  });
}

async function login(node: Node, user: string): Promise<Browser> {
  const browser = new Browser(node.url);
  await browser.post("/login", { user });
  return browser;
}

/** The users whom each node serves in these browsers; `null` if a browser is anonymous. */
async function served(browsers: readonly Browser[], at: readonly Node[]): Promise<unknown[]> {
  const requests = at.flatMap(({ url }) => browsers.map((browser) => browser.clone(url).get("/me")));
  return (await Promise.all(requests)).map(({ body }) => (body as { user?: unknown } | undefined)?.user ?? null);
}

let apps = 0;
const nextApp = (): string => `shop-${String((apps += 1))}`;
const handlers = Object.keys(HANDLERS);
const users = handlers.map((_handler, index) => `user-${String(index)}`);

/** Every kick of the other version's logins, and one of each version's own. */
const CASES = VERSIONS.flatMap((first) =>
  VERSIONS.flatMap((loggedInAt) =>
    VERSIONS.flatMap((kickedBy) =>
      KICKS.filter((how) => how === "kick" || loggedInAt !== kickedBy).map((how) => ({
        first,
        loggedInAt,
        kickedBy,
        how,
      })),
    ),
  ),
);

describe.each([
  ["Redis", onRedis],
  ["PostgreSQL", onPostgres],
])("0.1 and this release on %s", (_name, open) => {
  let database: Database;
  beforeEach(async () => {
    database = await open();
  });
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node.close()));
    await database.close();
  });

  it.each(CASES)(
    "beside each other, $first first: $how by $kickedBy ends logins of $loggedInAt, with requests in flight",
    async ({ first, loggedInAt, kickedBy, how }) => {
      const appId = nextApp();
      const order = first === "0.1" ? VERSIONS : VERSIONS.toReversed();
      const opened = new Map<Version, Node>();
      for (const version of order) opened.set(version, await openNode(database, version, appId));
      const [there, kicking] = [opened.get(loggedInAt), opened.get(kickedBy)];
      if (there === undefined || kicking === undefined) throw new Error("not open");
      const both = [...opened.values()];
      const browsers = await Promise.all(users.map((user) => login(there, user)));
      expect(await served(browsers, both)).toEqual([...users, ...users]);

      const waiting = both.map(({ url }) => browsers.map((browser) => browser.clone(url)));
      const inFlight = waiting.flatMap((each) =>
        each.map((browser, index) => browser.post(`/waiting/${encodeURIComponent(handlers[index] ?? "")}`)),
      );
      await Promise.all(both.map(({ gate }) => gate.reachedBy(users.length)));
      await kicking.kick(how, users);
      const during = await served(browsers, both);
      for (const { gate } of both) gate.open();
      await Promise.all(inFlight);
      const after = await served([...browsers, ...waiting.flat()], both);
      expect([...during, ...after].filter((user) => user !== null)).toEqual([]);

      const again = await Promise.all(users.map((user) => login(kicking, user)));
      expect(await served(again, both)).toEqual([...users, ...users]);
    },
  );

  it("upgrade: logins go on, kicked users stay out, and kicks end the logins of before", async () => {
    const appId = nextApp();
    const before = await openNode(database, "0.1", appId);
    const [alice, bob, carol] = [
      await login(before, "alice"),
      await login(before, "bob"),
      await login(before, "carol"),
    ] as const;
    await before.kick("kick", ["bob"]);
    await before.kick("kickLogin", ["carol"]);
    await before.close();
    const now = await openNode(database, "this release", appId);
    expect(await served([alice, bob, carol], [now])).toEqual(["alice", null, null]);
    await now.kick("kick", ["alice"]);
    expect(await served([alice], [now])).toEqual([null]);
  });
});

describe("the upgrade of the PostgreSQL schema of 0.1", () => {
  it("keeps logins, kicks and kicks that were not finished, by several processes at once", async () => {
    const pool = new Pool({ connectionString: postgres.url });
    try {
      const app = { appId: "shop", maxSessionAgeMs: HOUR_MS };
      const before = new old.PostgresLoginRegistry({ pool });
      await before.migrate();
      before.bind(app);
      const add = (userId: string): Promise<string> =>
        before.add({ id: `login of ${userId}`, userId, sid: `sid of ${userId}`, ttlMs: HOUR_MS });
      const at = new Date();
      const generation = await add("kicked");
      await before.removeAll("kicked", { id: "mark", at });
      await add("online");
      await add("rotating");
      await before.update("rotating", "login of rotating", { removeSid: "sid of rotating" });

      const registry = new PostgresLoginRegistry({ pool });
      const others = [1, 2].map(() => new PostgresLoginRegistry({ pool }));
      await Promise.all([registry, ...others].map((each) => each.migrate()));
      registry.init(app);
      const online = await registry.find("online", "login of online");
      expect(online).toMatchObject({ id: "login of online", sids: ["sid of online"], shownUntil: online?.expires });
      const { total, items } = await registry.activeUsers({ offset: 0, limit: 9 });
      expect([total, items.map(({ userId }) => userId)]).toEqual([1, ["online"]]);
      expect(await registry.update("rotating", "login of rotating", { addSid: "new" })).toBe(true);
      expect((await registry.activeUsers({ offset: 0, limit: 0 })).total).toBe(2);
      expect(await registry.kickOf("kicked", "login of kicked", generation)).toMatchObject({ id: "mark", at });
      const unfinished = await kickUser(registry, "kicked", newKick());
      expect(unfinished).toMatchObject([{ id: "login of kicked", sids: ["sid of kicked"] }]);

      // A process of 0.1 that starts now leaves the schema as it is.
      await new old.PostgresLoginRegistry({ pool }).migrate();
      const { rows } = await pool.query("SELECT version FROM express_logout_schema()");
      expect(rows).toEqual([{ version: 5 }]);
      await add("late");
      expect(await registry.list("late", { offset: 0, limit: 1 })).toMatchObject({ total: 1 });
      expect(await kickUser(registry, "late", newKick())).toHaveLength(1);
    } finally {
      await pool.end();
    }
  });
});
