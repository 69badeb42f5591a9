import { spawnSync } from "node:child_process";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { Device } from "../support/device.js";
import { reportTried } from "../support/field.js";
import { expectJourney, greeted, kick } from "../support/journey.js";
import { bundle, serverFolder, startServer, type Folder, type ServerProcess } from "../support/process.js";

const BUILD_MS = 180_000;
const QUIET = { NEXT_TELEMETRY_DISABLED: "1", NODE_ENV: "production" } as const;

// Next.js assigns `req.query` in API routes, which Express 5 does not allow.
reportTried("framework", ["next", "react"], "Express 4");

describe("a custom server of Next.js on Express 4", () => {
  let folder: Folder | undefined;
  let server: ServerProcess | undefined;
  const url = (): string => server?.url ?? "";

  beforeAll(async () => {
    folder = serverFolder();
    cpSync(join(__dirname, "next"), folder.path, { recursive: true });
    const next = join(folder.path, "node_modules/next/dist/bin/next");
    const built = spawnSync(process.execPath, [next, "build"], {
      cwd: folder.path,
      env: { ...process.env, ...QUIET },
      encoding: "utf8",
    });
    if (built.status !== 0) throw new Error(`next build: ${built.stdout}${built.stderr}`);
    const file = await bundle("next-process.ts", folder, { alias: { express: "express4" } });
    server = await startServer(file, QUIET);
  }, BUILD_MS);
  afterAll(async () => {
    await server?.stop();
    folder?.remove();
  });

  const logIn = (device: Device, user: string) => device.form("/api/login", { user });
  async function loggedIn(user: string): Promise<Device> {
    const device = new Device(url());
    await logIn(device, user);
    return device;
  }

  it("the journey", async () => {
    await expectJourney({ url: url(), logIn });
  });

  it("an API route of a kicked user gets the reason as JSON", async () => {
    const alice = await loggedIn("alice");
    expect((await alice.data("/api/me")).body).toEqual({ user: "alice" });
    await kick(url(), ["alice"]);
    const answer = await alice.data("/api/me");
    expect([answer.status, answer.text]).toEqual([401, expect.stringContaining("An administrator has forced you")]);
    expect((await alice.data("/api/me")).body).toEqual({ user: null });
  });

  it("the pages get the user of the session, never a user that a client sends", async () => {
    const alice = await loggedIn("alice");
    expect((await alice.data("/api/header", { "X-User-Id": "admin" })).body).toEqual({ user: "alice" });
    const anonymous = new Device(url());
    expect((await anonymous.data("/api/header", { "X-User-Id": "admin" })).body).toEqual({ user: null });
  });

  it("the login page of a kicked user has its scripts, and logs in at once", async () => {
    const alice = await loggedIn("alice");
    await kick(url(), ["alice"]);
    const page = await alice.page("/login");
    const scripts = [...page.text.matchAll(/<script src="([^"]+)"/g)].map(([, path = ""]) => path);
    expect(scripts.length).toBeGreaterThan(1);
    for (const path of scripts) {
      const script = await alice.page(path, { "Sec-Fetch-Dest": "script", "Sec-Fetch-Mode": "no-cors", Accept: "*/*" });
      expect([path, script.status]).toEqual([path, 200]);
    }
    await logIn(alice, "alice");
    expect(greeted(await alice.page("/me"))).toBe("alice");
  });
});
