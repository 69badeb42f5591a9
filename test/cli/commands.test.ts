import { createHash } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { MemoryStore } from "express-session";
import { cli, printed, startCli, type CliResult } from "../support/cli.js";
import { PASSWORDS, postgresPlace, redisPlace, sqlitePlace } from "../support/cli-places.js";
import type { Browser } from "../support/http.js";
import { Secrets } from "../support/secrets.js";
import { newLogin } from "../support/registry-calls.js";
import { useSites, type Site } from "../support/site.js";
import { localBackend } from "../support/stores.js";

jest.setTimeout(180_000);

const openSite = useSites();
const secrets = new Secrets(PASSWORDS);
const IPHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";

describe.each([redisPlace(), postgresPlace(), sqlitePlace()])("the command line on $name", (place) => {
  let site: Site;
  beforeAll(() => place.start());
  afterAll(() => place.stop());

  const open = async (): Promise<Site> => {
    const backend = localBackend({
      name: "a store that the command line does not reach",
      openStore: () => new MemoryStore(),
    });
    site = await openSite({ backend, auth: { registry: place.registry() } });
    // The file of SQLite is there after the first call.
    await site.auth.listActiveUsers();
    return site;
  };
  const login = async (user: string, device = "Firefox"): Promise<Browser> => {
    const browser = await site.login(user, { "User-Agent": device });
    secrets.add(browser.cookies);
    return browser;
  };
  const run = (args: readonly string[], input?: string): Promise<CliResult> =>
    cli([...args, "--app", site.appId, ...place.args()], {
      env: place.env(),
      ...(input === undefined ? {} : { input }),
    });

  it("kicks a user without Express and without the store: the next request gets 401 with the reason", async () => {
    await open();
    const [phone, laptop, other] = [await login("alice"), await login("alice"), await login("bob")];
    expect(await run(["kick", "alice", "--yes", "--reason", "Your account was closed."])).toEqual({
      exitCode: 0,
      stdout: "",
      stderr: expect.stringMatching(/^Ended 2 logins of 1 user\.\nSession data stays in the store until /),
    });
    for (const browser of [phone, laptop]) {
      const { status, body } = await browser.get("/me");
      expect(status).toBe(401);
      expect(JSON.stringify(body)).toContain("Your account was closed.");
    }
    expect(await site.user(other)).toBe("bob");
    expect(await run(["kick", "alice", "--yes"])).toMatchObject({
      exitCode: 0,
      stderr: "Ended 0 logins of 0 users.\n",
    });
  });

  it("ends one login, or all but one", async () => {
    await open();
    const browsers = [await login("alice"), await login("alice"), await login("alice")];
    const { items } = await site.auth.listLogins("alice");
    const [newest, middle] = items;
    expect(await run(["kick", "alice", "--login", newest?.id ?? "", "--yes", "--json"])).toMatchObject({
      exitCode: 0,
      stdout: '{"users":1,"logins":1,"left":[]}\n',
    });
    expect(await run(["kick", "alice", "--except", middle?.id ?? "", "--yes"])).toMatchObject({ exitCode: 0 });
    const users = await Promise.all(browsers.map((browser) => site.user(browser)));
    expect(users).toEqual([null, "alice", null]);
  });

  it("takes an id of a login that begins with a dash", async () => {
    await open();
    const id = `-${"a".repeat(21)}`;
    const registry = place.registry();
    registry.init({ appId: site.appId, maxSessionAgeMs: 3_600_000 });
    await registry.add({ ...newLogin(), id });
    expect(await run(["kick", "alice", "--except", id, "--yes", "--json"])).toMatchObject({
      exitCode: 0,
      stdout: '{"users":0,"logins":0,"left":[]}\n',
    });
    expect(await run(["kick", "alice", "--login", id, "--yes", "--json"])).toMatchObject({
      exitCode: 0,
      stdout: '{"users":1,"logins":1,"left":[]}\n',
    });
  });

  it("reads users from stdin, one a line", async () => {
    await open();
    const browsers = [await login("alice"), await login("bob b"), await login("carol")];
    expect(await run(["kick", "-", "--yes", "--json"], "alice\r\nbob b\n\n")).toMatchObject({
      exitCode: 0,
      stdout: '{"users":2,"logins":2,"left":[]}\n',
    });
    expect(await Promise.all(browsers.map((browser) => site.user(browser)))).toEqual([null, null, "carol"]);
  });

  it("lists the history, in which its own kicks are", async () => {
    await open();
    await login("alice");
    await run(["kick", "alice", "--yes", "--reason", "Closed."]);
    await run(["kick-all", "--yes", "--by", "ops"]);
    const table = await run(["history"]);
    expect(table).toMatchObject({ exitCode: 0, stderr: "" });
    expect(table.stdout.split("\n").map((line) => line.replace(/^\d.{18} {2}/, "").split(/ {2,}/))).toEqual([
      ["AT (UTC)", "ACTION", "USER", "LOGINS", "BY", "REASON"],
      ["kick-everyone", "-", "0", "ops"],
      ["kick", "alice", "1", "command line", "Closed."],
      [""],
    ]);
    const { stdout } = await run([
      "history",
      "--json",
      "--user",
      "alice",
      "--by",
      "command line",
      "--before",
      "2999-01-01",
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ items: [{ action: "kick", userId: "alice", logins: 1 }] });
    const first = JSON.parse((await run(["history", "--json", "--limit", "1"])).stdout) as { cursor: string };
    expect((await run(["history", "--cursor", first.cursor])).stdout).toMatch(/ kick {2,}alice /);
    for (const wrong of [["--before", "soon"], ["--limit", "0"], ["alice"], ["--cursor", "x"]]) {
      expect(await run(["history", ...wrong])).toMatchObject({ exitCode: 2, stdout: "" });
    }
  });

  it("ends everyone, without a bar", async () => {
    await open();
    const browsers = [await login("alice"), await login("bob")];
    expect(await run(["kick-all", "--yes", "--json"])).toEqual({
      exitCode: 0,
      stdout: '{"users":2,"logins":2,"left":[]}\n',
      stderr: expect.stringMatching(/^Ended 2 logins of 2 users\.\nSession data stays [^\n]*\n$/),
    });
    expect(await Promise.all(browsers.map((browser) => site.user(browser)))).toEqual([null, null]);
  });

  it("ends everyone but one login", async () => {
    await open();
    const browsers = [await login("alice"), await login("alice"), await login("bob")];
    const [newest] = (await site.auth.listLogins("alice")).items;
    expect(await run(["kick-all", "--yes", "--json", "--except", newest?.id ?? ""])).toMatchObject({
      exitCode: 0,
      stdout: '{"users":2,"logins":2,"left":[]}\n',
    });
    expect(await Promise.all(browsers.map((browser) => site.user(browser)))).toEqual([null, "alice", null]);
    expect(await run(["kick-all", "--yes", "--except", "me"])).toMatchObject({
      exitCode: 2,
      stderr: "kick-all: --except must be the id of a login.\n",
    });
  });

  it("ends the logins that match a filter, and counts them first", async () => {
    await open();
    const browsers = [await login("alice", IPHONE), await login("alice"), await login("bob", IPHONE)];
    const who = (): Promise<unknown[]> => Promise.all(browsers.map((browser) => site.user(browser)));
    const filter = ["kick-where", "--device", "iphone"];
    expect(await run([...filter, "--dry-run"])).toEqual({
      exitCode: 0,
      stdout: "",
      stderr: "Would end 2 logins of 2 users. Nothing was ended.\n",
    });
    expect(await who()).toEqual(["alice", "alice", "bob"]);
    const { items } = await site.auth.listLogins("bob");
    const kicked = await run([...filter, "--except", items[0]?.id ?? "", "--reason", "Stolen.", "--yes", "--json"]);
    expect(kicked).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(/^Ended 1 login of 1 user\.\n/) });
    expect(JSON.parse(kicked.stdout)).toEqual({ users: 1, logins: 1, left: [] });
    expect(await who()).toEqual([null, "alice", "bob"]);
    expect(site.events).toContainEqual(
      expect.objectContaining({ name: "rejected", userId: "alice", reason: "Stolen.", cause: "kick" }),
    );
  });

  it("lists the logins of a user, and who is online, page by page", async () => {
    await open();
    for (const user of ["alice", "alice", "bob"]) await login(user);
    const logins = await run(["logins", "alice", "--json"]);
    expect(logins).toMatchObject({ exitCode: 0, stderr: "" });
    const page = JSON.parse(logins.stdout) as { items: object[] };
    expect(page).toMatchObject({ total: 2, items: [{ userId: "alice", ip: expect.any(String) }, { userId: "alice" }] });
    expect(Object.keys(page.items[0] ?? {})).not.toContain("sids");

    const first = await run(["active", "--json", "--limit", "1"]);
    const { items, total, cursor } = JSON.parse(first.stdout) as { items: object[]; total: number; cursor: string };
    expect({ items, total }).toMatchObject({ items: [{ userId: "bob", loginsCount: 1 }], total: 2 });
    const second = await run(["active", "--json", "--limit", "1", "--cursor", cursor]);
    expect(JSON.parse(second.stdout)).toMatchObject({ items: [{ userId: "alice", loginsCount: 2 }], total: 2 });
  });

  it("prints lists as columns, without sequences for the terminal", async () => {
    await open();
    await login("al\u001b[31mice");
    const { stdout, stderr } = await run(["active"]);
    expect(stdout).toMatch(/^USER +LOGINS +LAST ACTIVE \(UTC\) +IP +USER AGENT\nal\ufffd\[31mice +1 +\d{4}-/);
    expect(stdout).not.toContain("\u001b");
    expect(stderr).toBe("1 user online.\n");
  });

  it("watches ends of logins: kicks of others, and its own kind", async () => {
    await open();
    const args = ["watch", "--json", "--app", site.appId, ...place.args()];
    const watching = await startCli(args, place.env(), "Watching");
    const browser = await login("alice");
    await login("bob");
    await site.auth.kick("bob", { reason: "Bye.", by: "carol" });
    await browser.get("/login/profile/logout");
    const lines = (await watching.lines(2)).map((line) => JSON.parse(line) as object);
    expect(lines).toEqual([
      {
        at: expect.any(String),
        cause: "kick",
        userId: "bob",
        loginIds: [expect.any(String)],
        by: "carol",
        reason: "Bye.",
      },
      { at: expect.any(String), cause: "logout", userId: "alice", loginIds: [expect.any(String)] },
    ]);
    expect(await watching.interrupt()).toBe(0);
  });

  it("checks the registry", async () => {
    await open();
    await login("alice");
    const { exitCode, stdout } = await run(["doctor", "--json"]);
    const findings = JSON.parse(stdout) as { level: string; what: string; why: string }[];
    expect(findings[0]).toEqual({ level: "ok", what: "registry: shared", why: "It responds." });
    expect(findings.length).toBeGreaterThan(4);
    // The test server of PostgreSQL runs without fsync.
    expect(exitCode).toBe(place.name === "PostgreSQL" ? 1 : 0);
    expect(findings.filter(({ level }) => level === "unknown")).toEqual([]);
    expect(JSON.stringify(findings)).toContain("1 user is listed");
    const plain = await run(["doctor"]);
    expect(plain.stdout).toContain("ok       registry: shared: It responds.\n");
  });

  it("does not end logins without a terminal and without --yes", async () => {
    await open();
    const browser = await login("alice");
    for (const args of [["kick", "alice"], ["kick", "-"], ["kick-all"], ["kick-where", "--device", "firefox"]]) {
      const { exitCode, stdout, stderr } = await run(args);
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
      expect(stderr).toContain("pass --yes");
    }
    expect(await site.user(browser)).toBe("alice");
  });
});

describe("the options of kick-where", () => {
  const place = sqlitePlace();
  afterAll(() => place.stop());

  it("select logins by address, device, time and number", async () => {
    const registry = place.registry();
    registry.init({ appId: "filters", maxSessionAgeMs: 86_400_000 });
    const device = { ip: "203.0.113.7", userAgent: IPHONE };
    for (const userId of ["alice", "bob"]) await registry.add(newLogin(userId));
    await registry.add({ ...newLogin("alice"), ...device });
    const inAMinute = new Date(Date.now() + 60_000).toISOString().slice(0, 19);
    const cases: [options: string[], logins: number][] = [
      [["--ip", "203.0.113.0/24"], 1],
      [["--device", "IPHONE"], 1],
      [["--device", "iphone", "--ip", "10.0.0.1"], 0],
      [["--min-logins", "2"], 2],
      [["--logged-in-before", "2020-01-01"], 0],
      [["--logged-in-before", inAMinute.replace("T", " ")], 3],
      [["--logged-in-before", `${inAMinute}+02:00`], 0],
      [["--logged-in-after", `${inAMinute}+02:00`], 3],
      [["--idle-for", "1d"], 0],
    ];
    const counted = await Promise.all(
      cases.map(async ([options]) => {
        const args = ["kick-where", ...options, "--dry-run", "--json", "--app", "filters", ...place.args()];
        return (JSON.parse((await cli(args)).stdout) as { logins: number }).logins;
      }),
    );
    expect(cases.map(([options], index) => [options, counted[index]])).toEqual(cases);
    await registry.close();
  });
});

describe("a token", () => {
  it("is random, and comes with its digest", async () => {
    const [first, second] = await Promise.all([cli(["token", "--json"]), cli(["token"])]);
    const { token, sha256 } = JSON.parse(first.stdout) as { token: string; sha256: string };
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(sha256).toBe(createHash("sha256").update(token).digest("hex"));
    expect(second.stdout).toMatch(/^token {3}[\w-]{43}\nsha256 {2}[0-9a-f]{64}\n$/);
    expect(second.stdout).not.toContain(token);
  });
});

afterEach(() => {
  const found = printed.map((text) => secrets.foundIn(text)).find((each) => each !== undefined);
  if (found !== undefined) throw new Error(`A secret was printed: ${found}`);
});
