import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LoginRegistry } from "../../lib/registry/index.js";
import { onTerminal, printed, shellCommand, type Shown } from "../support/cli.js";
import { PASSWORDS, sqlitePlace } from "../support/cli-places.js";
import { newLogin, next } from "../support/registry-calls.js";
import { Secrets } from "../support/secrets.js";

jest.setTimeout(120_000);

const secrets = new Secrets(PASSWORDS);
const place = sqlitePlace();
const folder = mkdtempSync(join(tmpdir(), "express-logout-terminal-"));
let registry: LoginRegistry;
let appId: string;

beforeAll(() => place.start());
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await place.stop();
});
beforeEach(async () => {
  appId = next("app");
  registry = place.registry();
  registry.init({ appId, maxSessionAgeMs: 86_400_000 });
  for (const userId of ["alice", "bob"]) {
    const login = {
      ...newLogin(userId),
      sid: `${userId}'s session id, of 32 letters`.replaceAll(/\W/g, "-").slice(0, 32),
    };
    secrets.add(login.sid);
    await registry.add(login);
  }
});
afterEach(async () => {
  await registry.close();
  const found = printed.map((each) => secrets.foundIn(each)).find((each) => each !== undefined);
  if (found !== undefined) throw new Error(`A secret was printed: ${found}`);
});

const command = (...args: string[]): string => shellCommand([...args, "--app", appId, ...place.args()]);
const online = async (): Promise<number> => (await registry.activeUsers({ offset: 0, limit: 0 })).total;
const lastLine = ({ output }: Shown): string => output.trimEnd().split("\r\n").at(-1) ?? "";

describe("on a terminal, a command that ends logins", () => {
  const typed = (keys: string, ...args: string[]): Promise<Shown> =>
    onTerminal(command(...args), {}, { after: "[y/N] ", keys });

  it("asks, and ends nothing after any other answer than yes", async () => {
    const answers = await Promise.all([
      typed("n\r", "kick", "alice"),
      typed("\r", "kick-all"),
      typed("yesterday\r", "kick-where", "--idle-for", "1s"),
      typed("\u0003", "kick", "alice"),
      typed("\u0004", "kick", "alice"),
    ]);
    expect(answers.map(({ exitCode }) => exitCode)).toEqual([1, 1, 1, 1, 1]);
    expect(answers.map(lastLine)).toEqual(Array.from(answers, () => "Nothing was ended."));
    const questions = answers.map(({ output }) => /End .*\?/.exec(output)?.[0]);
    expect(questions).toEqual([
      `End all logins of alice in ${appId}?`,
      `End all logins of everyone in ${appId}?`,
      `End all logins that match --idle-for 1s in ${appId}?`,
      `End all logins of alice in ${appId}?`,
      `End all logins of alice in ${appId}?`,
    ]);
    expect(await online()).toBe(2);
  });

  it("ends logins after a yes, and does not ask with --yes or in a dry run", async () => {
    const kicked = await typed("y\r", "kick", "alice");
    expect(kicked).toMatchObject({ exitCode: 0, output: expect.stringContaining("Ended 1 login of 1 user.") });
    expect(await online()).toBe(1);
    const dry = await onTerminal(command("kick-where", "--min-logins", "1", "--dry-run"));
    expect(dry).toMatchObject({ exitCode: 0, output: expect.stringContaining("Would end 1 login of 1 user.") });
    const unasked = await onTerminal(command("kick", "bob", "--yes"));
    expect(unasked).toMatchObject({ exitCode: 0, output: expect.not.stringContaining("[y/N]") });
    expect(await online()).toBe(0);
  });

  it("does not ask where the answer could not be read, or the question not be seen", async () => {
    for (const redirected of ["< /dev/null", `2> ${join(folder, "stderr")}`]) {
      expect(await onTerminal(`${command("kick-all")} ${redirected}`)).toMatchObject({ exitCode: 2 });
    }
    expect(await onTerminal(command("kick", "-"))).toMatchObject({
      exitCode: 2,
      output: expect.stringContaining("pass --yes"),
    });
    expect(await online()).toBe(2);
  });
});

describe("the bar", () => {
  it("is shown on a terminal, and is gone at the end", async () => {
    const { exitCode, output } = await onTerminal(command("kick-all", "--yes"));
    expect(exitCode).toBe(0);
    expect(output).toContain("\r[##############################] 2 of 2 users");
    const [, afterBar = ""] = output.split("\r\u001b[K");
    expect(afterBar).toMatch(/^Ended 2 logins of 2 users\.\r\n/);
  });

  it("counts the users who were looked at, for a filter", async () => {
    const { output } = await onTerminal(command("kick-where", "--min-logins", "2", "--yes"));
    expect(output).toContain("] 2 of 2 users");
    expect(output).toContain("Ended 0 logins of 0 users.");
  });

  it("is not shown if stderr is no terminal, and never among the data", async () => {
    const file = join(folder, "notes");
    const toFile = await onTerminal(`${command("kick-all", "--yes", "--json")} 2> ${file}`);
    expect(toFile).toEqual({ exitCode: 0, output: '{"users":2,"logins":2,"left":[]}\r\n' });
    expect(readFileSync(file, "utf8")).toMatch(/^Ended 2 logins of 2 users\.\nSession data stays [^\n]*\n$/);
    const data = join(folder, "data");
    await onTerminal(`${command("kick-all", "--yes", "--json")} > ${data}`);
    expect(readFileSync(data, "utf8")).toBe('{"users":0,"logins":0,"left":[]}\n');
  });
});

describe("colours", () => {
  it("are shown on a terminal, unless NO_COLOR is set or the terminal has none", async () => {
    const doctor = (env: Record<string, string>, to = ""): Promise<Shown> =>
      onTerminal(`${command("doctor")}${to}`, env);
    const [colored, empty, ...plain] = await Promise.all([
      doctor({}),
      doctor({ NO_COLOR: "" }),
      doctor({ NO_COLOR: "1" }),
      doctor({ TERM: "dumb" }),
      doctor({}, " | cat"),
    ]);
    for (const { output } of [colored, empty])
      expect(output).toContain("\u001b[32mok     \u001b[0m  registry: shared:");
    for (const { output } of plain) {
      expect(output).toContain("ok       registry: shared: It responds.");
      expect(output).not.toContain("\u001b");
    }
  });
});

describe("who is left", () => {
  it("is shown without sequences for the terminal", async () => {
    const userId = "broken\u001b[31m\nbob";
    await registry.add(newLogin(userId));
    const mend = await place.breakUsers(appId, [userId]);
    const { exitCode, output } = await onTerminal(command("kick-where", "--min-logins", "1", "--yes"));
    expect({ exitCode, output }).toEqual({
      exitCode: 1,
      output: expect.stringContaining("Left: broken\ufffd[31m\ufffdbob\r\n"),
    });
    const all = await onTerminal(command("kick-all", "--yes"));
    expect(all).toEqual({ exitCode: 1, output: expect.stringContaining("\r\nbroken\ufffd[31m\ufffdbob\r\n") });
    expect(output + all.output).not.toContain("\u001b[31m");
    await mend();
  });
});
