import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from "@jest/globals";
import type { LoginRegistry, NewLogin } from "../../lib/registry/index.js";
import { cli, printed, shell, shellCommand, type CliResult } from "../support/cli.js";
import { PASSWORD, PASSWORDS, postgresPlace, redisPlace, sqlitePlace, withPassword } from "../support/cli-places.js";
import { freePort } from "../support/free-port.js";
import { next, shown } from "../support/registry-calls.js";
import { Secrets } from "../support/secrets.js";

jest.setTimeout(180_000);

const secrets = new Secrets(PASSWORDS);
const text = (bytes: number): string => randomBytes(bytes).toString("base64url");

/** A login with a session id as session() makes one, which no output may have. */
function newLogin(userId: string): NewLogin {
  const login = { id: text(16), userId, sid: text(24), ttlMs: 3_600_000, ip: "203.0.113.7" };
  secrets.add(login.sid);
  return login;
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "express-logout-cli-failures-"));
  writeFileSync(join(folder, "empty.db"), "");
  writeFileSync(join(folder, "text.db"), "This is text, and no database of SQLite. ".repeat(100));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
afterEach(() => {
  const found = printed.map((each) => secrets.foundIn(each)).find((each) => each !== undefined);
  if (found !== undefined) throw new Error(`A secret was printed: ${found}`);
});

/** Runs commands at the same time: a process takes its time to start. */
function all(
  calls: readonly (readonly [args: readonly string[], env?: Record<string, string>])[],
): Promise<CliResult[]> {
  return Promise.all(calls.map(([args, env = {}]) => cli(args, { env })));
}

describe("wrong usage", () => {
  it("exits with 2, and prints the usage after a wrong command, option or number of arguments", async () => {
    const cases: [string[], string][] = [
      [[], "Name a command."],
      [["end"], 'There is no command "end".'],
      [["\u001b[31m"], 'There is no command "\ufffd[31m".'],
      [["kick", "alice", "--force"], "kick: Unknown option '--force'."],
      [["logins", "alice", "--yes"], "logins: Unknown option '--yes'."],
      [["active", "--app"], "active: Option '--app <value>' argument missing."],
      [["kick", "--yes"], "kick: name the users, or - to read their ids from stdin."],
      [["logins"], "logins: name one user."],
      [["doctor", "alice"], "doctor takes no arguments."],
      [
        ["kick-where", "--yes"],
        "kick-where: pass at least one of --ip, --device, --idle-for, --logged-in-before, --logged-in-after, --min-logins. To end all logins, use kick-all.",
      ],
    ];
    const results = await all(cases.map(([args]) => [args]));
    const seen = results.map(({ exitCode, stdout, stderr }) => [exitCode, stdout, ...stderr.split("\n").slice(0, 3)]);
    expect(seen).toEqual(cases.map(([, message]) => [2, "", message, "", "Usage: express-logout <command> [options]"]));
  });

  it("exits with 2 without a registry, and names the variables", async () => {
    const cases: [string[], Record<string, string>, string][] = [
      [[], {}, "No registry: set REDIS_URL or DATABASE_URL, or pass --sqlite <file> or --config <file>."],
      [[], { REDIS_URL: "redis://a", DATABASE_URL: "postgres://b" }, "REDIS_URL and DATABASE_URL are both set"],
      [[], { REDIS_URL: `redis://:${PASSWORD}@a` }, "REDIS_URL is no URL such as redis://"],
      [[], { DATABASE_URL: "mysql://root@a/b" }, "DATABASE_URL must begin with postgres://"],
      [[], { DATABASE_URL: "postgres://a:%zz@b/c" }, "DATABASE_URL is no URL such as postgres://"],
      [["--sqlite", "none.db"], {}, "--sqlite: there is no file none.db\n"],
      [["--config", "none.mjs"], {}, "--config: there is no file none.mjs\n"],
    ];
    const results = await all(cases.map(([args, env]) => [["active", "--app", "shop", ...args], env]));
    expect(results).toEqual(
      cases.map(([, , message]) => ({ exitCode: 2, stdout: "", stderr: expect.stringContaining(message) })),
    );
  });

  it("exits with 2 for a wrong value, and says which values are right", async () => {
    const cases: [string[], string][] = [
      [["active"], "Pass --app <id>"],
      [["active", "--app", "shop", "--limit", "many"], "--limit must be a whole number from 1 to 1000."],
      [["active", "--app", "shop", "--limit", "5000"], "limit must be a whole number from 1 to 1000."],
      [["active", "--app", "shop", "--cursor", "x"], "cursor must be the cursor of the previous page."],
      [["kick", "a", "--app", "shop", "--yes", "--reason", "x".repeat(501)], "at most 500 characters."],
      [["kick", "a", "--app", "shop", "--yes", "--except", "x"], "except must be the id of the login that stays."],
      [["kick-where", "--ip", "300.1.1.1"], "--ip must be an IP address"],
      [["kick-where", "--idle-for", "30"], "--idle-for must be a duration such as 30m"],
      [["kick-where", "--logged-in-before", "2026-02-30"], "--logged-in-before must be a time such as"],
      [["kick-where", "--min-logins", "0"], "--min-logins must be a whole number above 0."],
      [["kick-where", "--device", "x", "--except", "y"], "--except must be the id of a login."],
    ];
    const file = ["--sqlite", join(folder, "empty.db")];
    const results = await all(cases.map(([args]) => [[...args, ...file]]));
    expect(results).toEqual(
      cases.map(([, message]) => ({ exitCode: 2, stdout: "", stderr: expect.stringContaining(message) })),
    );
  });
});

describe("a registry that cannot be reached", () => {
  const failing = async (args: readonly string[], env: Record<string, string>): Promise<CliResult & { ms: number }> => {
    const started = performance.now();
    const result = await cli([...args, "--app", "shop"], { env });
    return { ...result, ms: performance.now() - started };
  };

  it("exits with 3, where nothing listens", async () => {
    const nowhere = `//127.0.0.1:${String(await freePort())}/0`;
    const results = await Promise.all([
      failing(["kick", "alice", "--yes"], { REDIS_URL: withPassword(`redis:${nowhere}`, "app") }),
      failing(["kick", "alice", "--yes"], { DATABASE_URL: withPassword(`postgres:${nowhere}`, "app") }),
      failing(["kick", "alice", "--yes", "--sqlite", join(folder, "text.db")], {}),
    ]);
    expect(results).toEqual([
      expect.objectContaining({ exitCode: 3, stdout: "", stderr: expect.stringContaining("ECONNREFUSED 127.0.0.1") }),
      expect.objectContaining({ exitCode: 3, stdout: "", stderr: expect.stringContaining("ECONNREFUSED 127.0.0.1") }),
      expect.objectContaining({ exitCode: 3, stdout: "", stderr: expect.stringContaining("file is not a database") }),
    ]);
    for (const { stderr } of results) expect(stderr).toMatch(/^The registry cannot be reached: [^\n]+\n$/);
  });

  it("exits with 3 within its time limit, if the server hangs", async () => {
    const places = [redisPlace(), postgresPlace()];
    await Promise.all(places.map((place) => place.start()));
    for (const place of places) place.pause();
    try {
      const results = await Promise.all(places.map((place) => failing(["active"], place.env())));
      for (const { exitCode, stdout, stderr, ms } of results) {
        expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: "" });
        expect(stderr).toMatch(/^The registry cannot be reached: [^\n]+\n$/);
        expect(ms).toBeLessThan(30_000);
      }
    } finally {
      for (const place of places) place.resume();
      await Promise.all(places.map((place) => place.stop()));
    }
  });
});

describe.each([redisPlace(), postgresPlace(), sqlitePlace()])("a kick that is partly done, on $name", (place) => {
  let registry: LoginRegistry;
  let appId: string;
  beforeAll(() => place.start());
  afterAll(() => place.stop());
  afterEach(() => registry.close());

  const begin = async (userIds: readonly string[]): Promise<void> => {
    appId = next("app");
    registry = place.registry();
    registry.init({ appId, maxSessionAgeMs: 86_400_000 });
    for (const userId of userIds) await registry.add(newLogin(userId));
  };
  const args = (...command: string[]): string[] => [...command, "--yes", "--app", appId, ...place.args()];
  const listed = async (userIds: readonly string[]): Promise<string[]> => {
    const logins = await Promise.all(userIds.map((userId) => shown(registry, userId)));
    return userIds.filter((_userId, index) => (logins[index]?.length ?? 0) > 0);
  };
  const BROKEN = ["broken é", "broken\u001b[31m", "-broken 'quoted' \"twice\""];
  const MULTILINE = "broken\ncarol";
  const USERS = ["alice", "bob", MULTILINE, ...BROKEN];

  it("exits with 1, and prints who is left, for the next call to read", async () => {
    await begin(USERS);
    const mend = await place.breakUsers(appId, [MULTILINE, ...BROKEN]);
    const json = await cli([...args("kick", "--json"), "--", ...USERS], { env: place.env() });
    expect(json).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^Kick incomplete for 4 users: .*Cause: /),
    });
    const { left, code } = JSON.parse(json.stdout) as { left: string[]; code: string };
    expect([left.sort(), code]).toEqual([[MULTILINE, ...BROKEN].sort(), "ERR_KICK_INCOMPLETE"]);
    expect((await listed(["alice", "bob"])).length).toBe(0);

    // The second line of the id that is left out is the id of another user, who stays.
    await registry.add(newLogin("carol"));
    // By a real pipe: the second call reads what the first one prints, and fails for the same users.
    const first = shellCommand([...args("kick"), "--", ...BROKEN, MULTILINE]);
    const piped = await shell(`${first} | ${shellCommand(args("kick", "-"))}`, place.env());
    expect(piped.stdout.split("\n").sort()).toEqual(["", ...BROKEN].sort());
    expect(piped).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("1 user left out, whose ids are more than a line: use --json.\n"),
    });
    expect(piped.stderr).toMatch(/^Kick incomplete for 3 users: /m);

    await mend();
    expect(await cli(args("kick", "-", "--json"), { env: place.env(), input: piped.stdout })).toMatchObject({
      exitCode: 0,
      stdout: '{"users":3,"logins":3,"left":[]}\n',
    });
    expect(await listed([...USERS, "carol"])).toEqual([MULTILINE, "carol"]);
  });
});
