import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { Pool } from "pg";
import type { Finding } from "../../lib/index.js";
import { PostgresLoginRegistry } from "../../lib/registry/postgres/index.js";
import { cli, printed } from "../support/cli.js";
import { PASSWORD, PASSWORDS, sqlitePlace, withPassword } from "../support/cli-places.js";
import { startPostgres, type PostgresServer } from "../support/postgres-server.js";
import { startPair, type Pair } from "../support/redis-replicated.js";
import { startRedis, until, type RedisServer } from "../support/redis-server.js";
import { newLogin } from "../support/registry-calls.js";
import { Secrets } from "../support/secrets.js";

jest.setTimeout(120_000);

const secrets = new Secrets(PASSWORDS);
const CONFIG = "test/fixtures/cli/redis.mjs";

afterEach(() => {
  const found = printed.map((each) => secrets.foundIn(each)).find((each) => each !== undefined);
  if (found !== undefined) throw new Error(`A secret was printed: ${found}`);
});

interface Diagnosis {
  readonly exitCode: number | null;
  /** The levels of findings, by what they are about. */
  readonly levels: Readonly<Record<string, Finding["level"]>>;
  readonly why: (what: string) => string | undefined;
}

/** Runs `doctor --json`. */
async function diagnosis(env: Record<string, string>, args = ["--app", "shop"]): Promise<Diagnosis> {
  const { exitCode, stdout } = await cli(["doctor", "--json", ...args], { env });
  const findings = JSON.parse(stdout) as Finding[];
  return {
    exitCode,
    levels: Object.fromEntries(findings.map(({ what, level }) => [what, level])),
    why: (what) => findings.find((finding) => finding.what === what)?.why,
  };
}

describe("doctor on Redis", () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());
  const set = (...setting: string[]): Promise<unknown> => redis.ask("CONFIG", "SET", ...setting);

  it("warns of a server without persistence, and finds the rest in order", async () => {
    const { exitCode, levels, why } = await diagnosis({ REDIS_URL: withPassword(redis.url, "default") });
    expect(exitCode).toBe(0);
    expect(levels).toEqual({
      "registry: shared": "ok",
      "registry: clock": "ok",
      "Redis: version": "ok",
      "Redis: eviction": "ok",
      "Redis: persistence": "warn",
      "Redis: replicas": "ok",
      "Redis: notifications": "ok",
      "Redis: size": "ok",
      "Redis: shards of the index": "ok",
    });
    expect(why("Redis: persistence")).toContain("Redis writes nothing to the disk.");
  });

  it("fails for a policy that evicts keys, and says what to set", async () => {
    await set("maxmemory", "100mb");
    await set("maxmemory-policy", "allkeys-lru");
    const { exitCode, stdout, stderr } = await cli(["doctor", "--app", "shop"], {
      env: { REDIS_URL: withPassword(redis.url, "default") },
    });
    await set("maxmemory-policy", "noeviction");
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: "1 of 9 checks failed.\n" });
    expect(stdout).toContain(
      "error    Redis: eviction: maxmemory-policy is allkeys-lru. Redis may forget kicks, and let kicked users in.\n" +
        "         Set maxmemory-policy noeviction on the server, and give it enough memory.\n",
    );
  });

  it("calls nothing ok that the server refuses to show", async () => {
    await redis.ask("ACL", "SETUSER", "app", "on", `>${PASSWORD}`, "~*", "&*", "+@all", "-config", "-info");
    const refused = await diagnosis({ REDIS_URL: withPassword(redis.url, "app") });
    expect(refused.exitCode).toBe(0);
    expect(refused.levels).toMatchObject({
      "registry: shared": "ok",
      "Redis: version": "unknown",
      "Redis: eviction": "unknown",
      "Redis: persistence": "unknown",
      "Redis: replicas": "unknown",
      "Redis: notifications": "ok",
    });
    const wrong = await cli(["doctor", "--app", "shop", "--json"], {
      env: { REDIS_URL: withPassword(redis.url, "app", `not ${PASSWORD}`) },
    });
    expect(wrong).toMatchObject({ exitCode: 3, stdout: "", stderr: expect.stringContaining("WRONGPASS") });
  });
});

describe("doctor on Redis with a replica", () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await startPair();
  });
  afterAll(() => pair.stop());

  it("warns of a replica that lags, and fails if kicks of the app wait for it", async () => {
    const REDIS_URL = withPassword(pair.master.url, "default");
    const ofApp = { REDIS_URL, APP_ID: "shop", WAIT_REPLICAS: "1" };
    expect(await diagnosis(ofApp, ["--config", CONFIG])).toMatchObject({
      exitCode: 0,
      levels: { "Redis: replicas": "ok" },
    });
    pair.holdReplication();
    const lags = async (): Promise<boolean> =>
      /lag=([6-9]|\d\d)/.test(String(await pair.master.ask("INFO", "replication")));
    await until(lags, "the lag");
    const [alone, app] = await Promise.all([diagnosis({ REDIS_URL }), diagnosis(ofApp, ["--config", CONFIG])]);
    expect([alone.exitCode, alone.levels["Redis: replicas"]]).toEqual([0, "warn"]);
    expect(alone.why("Redis: replicas")).toMatch(
      /^0 of 1 replicas are in step; the slowest was last heard of \d+ s ago\.$/,
    );
    expect([app.exitCode, app.levels["Redis: replicas"]]).toEqual([1, "error"]);
    expect(app.why("Redis: replicas")).toContain("kicks reject with ERR_WRITE_NOT_REPLICATED");
  });
});

describe("doctor on PostgreSQL", () => {
  let server: PostgresServer;
  let pool: Pool;
  beforeAll(async () => {
    server = await startPostgres(["fsync=on"]);
    pool = new Pool({ connectionString: server.url });
  });
  afterAll(async () => {
    await pool.end();
    await server.stop();
  });

  it("fails without the tables, and names the migration", async () => {
    const { exitCode, stdout, stderr } = await cli(["doctor", "--app", "shop"], {
      env: { DATABASE_URL: withPassword(server.url, "postgres") },
    });
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 1,
      stdout: "",
      stderr: expect.stringMatching(/^Login registry: tables missing.*Run registry\.migrate\(\)/),
    });
  });

  it("finds a server in order, and what a role may not do", async () => {
    await new PostgresLoginRegistry({ pool }).migrate();
    await pool.query("CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader");
    await pool.query("CREATE ROLE outsider LOGIN; ALTER ROLE reader SET synchronous_commit = off");
    const as = (role: string): Promise<Diagnosis> => diagnosis({ DATABASE_URL: withPassword(server.url, role) });
    const [owner, reader, outsider] = await Promise.all([
      as("postgres"),
      as("reader"),
      cli(["doctor", "--app", "shop"], { env: { DATABASE_URL: withPassword(server.url, "outsider") } }),
    ]);
    expect([owner.exitCode, new Set(Object.values(owner.levels))]).toEqual([0, new Set(["ok"])]);
    expect(reader).toMatchObject({
      exitCode: 1,
      levels: { "PostgreSQL: privileges": "error", "PostgreSQL: durability": "warn", "registry: shared": "ok" },
    });
    expect(outsider).toEqual({
      exitCode: 3,
      stdout: "",
      stderr: "The registry cannot be reached: PostgreSQL: 42501\n",
    });
  });
});

describe("doctor on SQLite", () => {
  const place = sqlitePlace();
  afterAll(() => place.stop());

  it("finds a file in order", async () => {
    const registry = place.registry();
    registry.init({ appId: "shop", maxSessionAgeMs: 86_400_000 });
    await registry.add(newLogin());
    const { exitCode, levels, why } = await diagnosis({}, ["--app", "shop", ...place.args()]);
    await registry.close();
    expect(exitCode).toBe(0);
    expect(levels).toMatchObject({ "SQLite: access": "ok", "SQLite: journal mode": "ok", "SQLite: size": "ok" });
    expect(why("SQLite: size")).toMatch(/^1 user is listed/);
  });
});
