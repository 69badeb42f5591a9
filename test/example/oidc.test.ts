import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "@jest/globals";
import { startExample } from "../support/example-server.js";
import { freePort } from "../support/free-port.js";

const DIST = join(__dirname, "../../example-app/dist");
const COMPANY_LINK = 'href="/login/company?returnTo=%2F"';

let child: ChildProcess | undefined;
afterEach(async () => {
  if (child?.pid === undefined) return;
  const { pid, exitCode, signalCode } = child;
  const ended = exitCode === null && signalCode === null ? once(child, "exit") : undefined;
  try {
    // The whole group: the demo starts a process of its own.
    process.kill(-pid, "SIGKILL");
  } catch {
    // All have ended.
  }
  await ended;
  child = undefined;
});

const pageOf = async (url: string): Promise<string> => (await fetch(url)).text();

describe("the example app with a company account", () => {
  it("has the expected steps against a real identity provider", async () => {
    const { REDIS_URL: _ours, LOGINS: _oursToo, ...env } = process.env;
    child = spawn(process.execPath, [join(DIST, "demo-oidc.js")], { detached: true, env });
    let transcript = "";
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (transcript += String(chunk)));
    const [code] = (await once(child, "close")) as [number | null];
    expect(transcript).toContain("Every step came as expected.");
    expect(transcript).not.toContain("DIFF");
    expect(code).toBe(0);
  }, 120_000);

  it("starts beside its identity provider, and offers its login", async () => {
    const port = String(await freePort());
    const example = await startExample({ OIDC_PORT: port });
    try {
      const company = `http://localhost:${port}`;
      expect(await pageOf(`${example.origin}/login`)).toContain(COMPANY_LINK);
      const { status, headers } = await fetch(`${example.origin}/login/company`, { redirect: "manual" });
      expect([status, headers.get("location")?.split("?")[0]]).toEqual([302, `${company}/auth`]);
      expect(JSON.parse(await pageOf(`${company}/.well-known/openid-configuration`))).toMatchObject({
        issuer: company,
        backchannel_logout_session_supported: true,
      });
    } finally {
      await example.stop();
    }
  }, 120_000);

  it("offers no such login without the identity provider", async () => {
    const example = await startExample();
    try {
      expect(await pageOf(`${example.origin}/login`)).not.toContain(COMPANY_LINK);
      expect((await fetch(`${example.origin}/login/company`, { redirect: "manual" })).headers.get("location")).toBe(
        "/login",
      );
    } finally {
      await example.stop();
    }
  }, 120_000);
});

describe("a transcript", () => {
  it("causes exit code 1 if an answer differs", async () => {
    const url = JSON.stringify(pathToFileURL(join(DIST, "transcript.js")).href);
    const script = (actual: string): string =>
      `const { step, finishTranscript } = await import(${url}); step("a step", "a", "${actual}"); finishTranscript();`;
    const run = (actual: string): Promise<{ stdout: string }> =>
      promisify(execFile)(process.execPath, ["--input-type=module", "-e", script(actual)]);
    expect((await run("a")).stdout).toContain("Every step came as expected.");
    await expect(run("b")).rejects.toMatchObject({ code: 1, stdout: expect.stringContaining("1 step(s) differ.") });
  }, 30_000);
});
