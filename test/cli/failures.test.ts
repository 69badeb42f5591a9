import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { RedisStore } from "connect-redis";
import { RedisLoginRegistry } from "../../lib/registry/redis/index.js";
import { cli } from "../support/cli.js";
import { connectTo, startRedis, type RedisServer } from "../support/redis-server.js";
import { newLogin } from "../support/registry-calls.js";
import { sessionId, useSites } from "../support/site.js";
import { localBackend } from "../support/stores.js";

jest.setTimeout(180_000);

const openSite = useSites();
const PASSWORD = "hunter2-of-the-tests";
const folder = mkdtempSync(join(tmpdir(), "express-logout-cli-"));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("wrong usage", () => {
  it.each([
    [["nope"], 'There is no command "nope".'],
    [[], "Name a command."],
    [["kick", "alice", "--nope"], "kick: Unknown option '--nope'"],
    [["kick", "alice", "--reason"], "kick: Option '--reason <value>' argument missing"],
    [["token", "--app", "shop"], "token: Unknown option '--app'"],
  ])("prints the usage and exits with 2: %j", async (args, message) => {
    const { exitCode, stdout, stderr } = await cli(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toContain(message);
    expect(stderr).toContain("Usage: express-logout <command>");
  });

  it.each([
    [["active", "--app", "shop"], "set REDIS_URL or DATABASE_URL, or pass --sqlite <file> or --config <file>"],
    [["active"], "Pass --app <id>"],
    [["active", "--app", "shop", "--sqlite", join(folder, "typo.db")], "there is no file"],
    [["active", "--config", join(folder, "typo.mjs")], "there is no file"],
    [["kick", "--app", "shop", "--yes"], "name the users"],
    [["kick", "alice", "bob", "--login", "x", "--app", "shop", "--yes"], "name one user"],
    [["kick-all", "alice", "--app", "shop", "--yes"], "takes no users"],
    [["logins", "--app", "shop"], "name one user"],
    [["active", "--limit", "many", "--app", "shop"], "--limit must be a whole number"],
  ])("says what is wrong and exits with 2: %j", async (args, message) => {
    const { exitCode, stdout, stderr } = await cli(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toContain(message);
  });

  it("does not choose between two addresses", async () => {
    const env = { REDIS_URL: "redis://127.0.0.1:1", DATABASE_URL: "postgres://127.0.0.1:1/x" };
    const { exitCode, stderr } = await cli(["active", "--app", "shop"], { env });
    expect(exitCode).toBe(2);
    expect(stderr).toContain("REDIS_URL and DATABASE_URL are both set");
  });

  it("prints the usage on stdout if it is asked for", async () => {
    expect(await cli(["--help"])).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("Usage:"), stderr: "" });
    expect(await cli(["--version"])).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+/) });
  });
});

describe("a registry that cannot be reached", () => {
  it.each([
    ["Redis", { REDIS_URL: `redis://user:${PASSWORD}@127.0.0.1:1` }],
    ["PostgreSQL", { DATABASE_URL: `postgres://user:${PASSWORD}@127.0.0.1:1/shop` }],
  ])("exits with 3, and prints no password: %s", async (_name, env) => {
    const { exitCode, stdout, stderr } = await cli(["kick", "alice", "--yes", "--app", "shop"], { env });
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: "" });
    expect(stderr).toMatch(/^The registry cannot be reached: .*127\.0\.0\.1:1/);
    expect(stderr).not.toContain(PASSWORD);
  });

  it("exits with 3 in time if Redis hangs", async () => {
    const redis = await startRedis();
    redis.pause();
    try {
      const started = performance.now();
      const { exitCode } = await cli(["active", "--app", "shop"], { env: { REDIS_URL: redis.url } });
      expect(exitCode).toBe(3);
      expect(performance.now() - started).toBeLessThan(15_000);
    } finally {
      redis.resume();
      await redis.stop();
    }
  });

  it("exits with 1 if PostgreSQL has no tables or the SQLite file is none", async () => {
    const file = join(folder, "text.db");
    writeFileSync(
      file,
      "This is no database, but a text that is long enough to have a header of one hundred bytes or more.",
    );
    const { exitCode, stderr } = await cli(["active", "--app", "shop", "--sqlite", file]);
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/^The registry cannot be reached: .*not a database/);
  });
});

describe("a kick that is partly done", () => {
  let redis: RedisServer;
  let client: Awaited<ReturnType<typeof connectTo>>;
  beforeAll(async () => {
    redis = await startRedis();
    client = await connectTo(redis);
  });
  afterAll(async () => {
    client.destroy();
    await redis.stop();
  });

  it("exits with 1, and prints who is left for the next call", async () => {
    const registry = new RedisLoginRegistry({ client });
    registry.init({ appId: "shop", maxSessionAgeMs: 86_400_000 });
    for (const userId of ["alice", "bob"]) await registry.add({ ...newLogin(userId), id: `login-of-${userId}` });
    const broken = "express-logout:{shop:bob}:logins";
    await client.del(broken);
    await client.set(broken, "not a hash");

    const env = { REDIS_URL: redis.url };
    const args = ["kick", "alice", "bob", "--yes", "--app", "shop"];
    const first = await cli(args, { env });
    expect(first).toMatchObject({
      exitCode: 1,
      stdout: "bob\n",
      stderr: expect.stringContaining("Kick incomplete for 1 user"),
    });
    expect(await registry.find("alice", "login-of-alice")).toBeUndefined();
    const json = await cli([...args, "--json"], { env });
    expect({ ...json, stdout: JSON.parse(json.stdout) as unknown }).toMatchObject({
      exitCode: 1,
      stdout: { left: ["bob"], code: "ERR_KICK_INCOMPLETE" },
    });

    await client.del(broken);
    const next = await cli(["kick", "-", "--yes", "--app", "shop"], { env, input: first.stdout });
    expect(next).toMatchObject({ exitCode: 0, stdout: "" });
  });
});

describe("--config", () => {
  const DIST = pathToFileURL(join(__dirname, "../../dist/esm/")).href;
  const config = (text: string): string => {
    const file = join(folder, "config.mjs");
    writeFileSync(file, text);
    return file;
  };

  it("names the application, the registry and the store, whose sessions a kick overwrites", async () => {
    const redis = await startRedis();
    const client = await connectTo(redis);
    const registry = new RedisLoginRegistry({ client });
    const backend = localBackend({ name: "connect-redis", openStore: () => new RedisStore({ client }) });
    const site = await openSite({ backend, auth: { registry, appId: "shop" } });
    const sid = sessionId(await site.login("alice"));
    const from = (name: string): string => pathToFileURL(require.resolve(name)).href;
    const file = config(`
      import { createClient } from "${from("redis")}";
      import { RedisStore } from "${from("connect-redis")}";
      import { RedisLoginRegistry } from "${DIST}registry/redis/index.js";
      const client = await createClient({ url: "${redis.url}" }).connect(); // it is not closed, and the program ends
      export const appId = "shop";
      export const registry = new RedisLoginRegistry({ client });
      export const store = new RedisStore({ client });
    `);
    try {
      expect(await client.get(`sess:${sid}`)).toContain('"userId":"alice"');
      const kick = await cli(["kick", "alice", "--yes", "--reason", "Bye.", "--config", file]);
      expect(kick).toEqual({ exitCode: 0, stdout: "", stderr: "Ended 1 login of 1 user.\n" });
      const data = await client.get(`sess:${sid}`);
      expect(data).toContain("Bye.");
      expect(data).not.toContain("alice");
      expect(await cli(["active", "--config", file, "--app", "other"])).toMatchObject({ exitCode: 2 });
    } finally {
      client.destroy();
      await redis.stop();
    }
  });

  it("must export a registry", async () => {
    const { exitCode, stderr } = await cli(["active", "--config", config("export const appId = 'shop';")]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("must export { appId, registry }");
  });
});
