import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { RedisStore } from "connect-redis";
import { RedisLoginRegistry } from "../../lib/registry/redis/index.js";
import { cli, printed } from "../support/cli.js";
import { PASSWORD, PASSWORDS, withPassword } from "../support/cli-places.js";
import { freePort } from "../support/free-port.js";
import { connectTo, startRedis, type RedisServer } from "../support/redis-server.js";
import { Secrets } from "../support/secrets.js";
import { sessionId, useSites } from "../support/site.js";
import { localBackend } from "../support/stores.js";

jest.setTimeout(120_000);

const CONFIG = "test/fixtures/cli/redis.mjs";
const secrets = new Secrets(PASSWORDS);
const openSite = useSites();
const folder = mkdtempSync(join(tmpdir(), "express-logout-config-"));

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
afterEach(() => {
  const found = printed.map((each) => secrets.foundIn(each)).find((each) => each !== undefined);
  if (found !== undefined) throw new Error(`A secret was printed: ${found}`);
});

function moduleOf(name: string, source: string): string {
  const file = join(folder, name);
  writeFileSync(file, source);
  return file;
}

describe("a module with the session store", () => {
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

  it("lets a kick overwrite the data of the session at once", async () => {
    const backend = localBackend({ name: "connect-redis", openStore: () => new RedisStore({ client }) });
    const site = await openSite({ backend, auth: { registry: new RedisLoginRegistry({ client }) } });
    const browsers = [await site.login("alice"), await site.login("bob")];
    for (const { cookies } of browsers) secrets.add(cookies);
    const data = (): Promise<(string | null)[]> =>
      Promise.all(browsers.map((browser) => client.get(`sess:${sessionId(browser)}`)));
    expect(await data()).toEqual([expect.stringContaining('"alice"'), expect.stringContaining('"bob"')]);
    const env = { REDIS_URL: withPassword(redis.url, "default"), APP_ID: site.appId };
    const kick = (user: string, more: Record<string, string>): ReturnType<typeof cli> =>
      cli(["kick", user, "--yes", "--config", CONFIG], { env: { ...env, ...more } });
    expect(await kick("alice", { WITH_STORE: "yes" })).toEqual({
      exitCode: 0,
      stdout: "",
      stderr: "Ended 1 login of 1 user.\n",
    });
    expect((await kick("bob", {})).stderr).toContain("Session data stays in the store until");
    expect(await data()).toEqual([expect.not.stringContaining('"alice"'), expect.stringContaining('"bob"')]);
    expect(await Promise.all(browsers.map((browser) => site.user(browser)))).toEqual([null, null]);
  });

  it("may be a default export, and may leave the appId to --app", async () => {
    const file = moduleOf(
      "default.mjs",
      `import registries from ${JSON.stringify(join(__dirname, "../../dist/cjs/index.js"))};
       export default { registry: new registries.MemoryLoginRegistry() };`,
    );
    expect(await cli(["active", "--json", "--app", "shop", "--config", file])).toEqual({
      exitCode: 0,
      stdout: '{"items":[],"total":0}\n',
      stderr: "",
    });
  });
});

describe("a module that is of no use", () => {
  it("is wrong usage, or a server out of reach, and shows no password", async () => {
    const refused = `redis://127.0.0.1:${String(await freePort())}`;
    const cases: [file: string, exitCode: number, message: RegExp, args?: string[]][] = [
      [moduleOf("empty.mjs", ""), 2, /must export \{ appId, registry \}, and may export store\./],
      [moduleOf("syntax.mjs", "export const"), 2, /syntax\.mjs could not be loaded: SyntaxError/],
      [moduleOf("import.mjs", 'import "none-of-this-name";'), 2, /Cannot find package 'none-of-this-name'/],
      [
        moduleOf("throws.mjs", "throw new Error(`No ${process.env.REDIS_URL}`);"),
        2,
        /could not be loaded: Error: No …/,
      ],
      [
        moduleOf(
          "down.mjs",
          'import { connect } from "node:net"; await new Promise((_, no) => connect(1, "127.0.0.1").on("error", no));',
        ),
        3,
        /could not be loaded: Error: .*ECONNREFUSED/,
      ],
      [
        moduleOf("waits.mjs", "setInterval(() => {}, 1000); await new Promise(() => {});"),
        3,
        /it waits for more than 10 s/,
      ],
      [CONFIG, 2, /--app and the appId of test\/fixtures\/cli\/redis\.mjs differ/, ["--app", "other"]],
    ];
    const redis = await startRedis();
    try {
      const results = await Promise.all(
        cases.map(([file, , , args = []]) => {
          const url = file === CONFIG ? redis.url : refused;
          const env = { REDIS_URL: withPassword(url, "default", PASSWORD), APP_ID: "shop" };
          return cli(["active", "--config", file, ...args], { env });
        }),
      );
      expect(results).toEqual(
        cases.map(([, exitCode, message]) => ({
          exitCode,
          stdout: "",
          stderr: expect.stringMatching(message),
        })),
      );
    } finally {
      await redis.stop();
    }
  });
});
