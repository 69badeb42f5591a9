import { subscribe, tracingChannel, unsubscribe } from "node:diagnostics_channel";
import { afterEach, describe, expect, it } from "@jest/globals";
import { MemoryLoginRegistry } from "../../lib/index.js";
import { Secrets } from "../support/secrets.js";
import { useSites } from "../support/site.js";

const openSite = useSites();
const NAMES = ["login", "logout", "kick", "rejected"];

const removals: (() => void)[] = [];
afterEach(() => {
  for (const remove of removals.splice(0)) remove();
});

/** Records the messages of the channels of events, and those of the traces, of one application. */
function record(appId: () => string): { events: object[]; traces: string[]; text: () => string } {
  const events: object[] = [];
  const traces: string[] = [];
  const all: unknown[] = [];
  for (const name of NAMES) {
    const listener = (message: unknown): void => {
      all.push(message);
      if ((message as { appId: string }).appId === appId()) events.push({ channel: name, ...(message as object) });
    };
    subscribe(`express-logout:${name}`, listener);
    removals.push(() => unsubscribe(`express-logout:${name}`, listener));
  }
  for (const name of ["registry", "kick"]) {
    const channel = tracingChannel(`express-logout:${name}`);
    const listenTo = (step: string) => (message: object) => {
      // Copied: a message is the same object from start to end.
      const copy = { ...message } as { appId: string; method: string; error?: Error };
      all.push({ ...copy, error: copy.error?.message });
      if (copy.appId === appId())
        traces.push(`${name} ${copy.method} ${step}${copy.error === undefined ? "" : " failed"}`);
    };
    const subscribers = {
      start: listenTo("start"),
      end: listenTo("end"),
      asyncStart: listenTo("asyncStart"),
      asyncEnd: listenTo("asyncEnd"),
      error: listenTo("error"),
    };
    channel.subscribe(subscribers);
    removals.push(() => channel.unsubscribe(subscribers));
  }
  return { events, traces, text: () => JSON.stringify(all) };
}

describe("the diagnostics channels", () => {
  it("publish logins, logouts, kicks and rejections where they happen, without a session id", async () => {
    const appId = "recorded";
    const recorded = record(() => appId);
    const site = await openSite({ auth: { appId } });
    const [alice, bob] = [await site.login("alice"), await site.login("bob")];
    const secrets = new Secrets([]);
    for (const browser of [alice, bob]) secrets.add(browser.cookies);
    await site.auth.kick("alice", { reason: "Bye." });
    await alice.get("/me");
    await bob.get("/login/profile/logout");
    expect(recorded.events).toEqual([
      { channel: "login", appId: site.appId, userId: "alice", loginId: expect.any(String), ip: expect.any(String) },
      { channel: "login", appId: site.appId, userId: "bob", loginId: expect.any(String), ip: expect.any(String) },
      {
        channel: "kick",
        appId: site.appId,
        userId: "alice",
        loginIds: [expect.any(String)],
        cause: "kick",
        at: expect.any(Date),
        reason: "Bye.",
      },
      expect.objectContaining({ channel: "rejected", cause: "kick", reason: "Bye." }),
      { channel: "logout", appId: site.appId, userId: "bob", loginId: expect.any(String) },
    ]);
    expect(secrets.foundIn(recorded.text())).toBeUndefined();
  });

  it("publish a kick once if two processes share the registry", async () => {
    const { events } = record(() => "shared");
    const registry = new MemoryLoginRegistry();
    const site = await openSite({ auth: { registry, appId: "shared" } });
    const other = await openSite({ auth: { registry, appId: "shared" } });
    await site.login("alice");
    await site.auth.kick("alice");
    // Both have an event for their listeners.
    expect(other.events.filter(({ name }) => name === "kick")).toHaveLength(1);
    expect(events.filter((event) => (event as { channel: string }).channel === "kick")).toHaveLength(1);
  });

  it("trace registry calls and kicks, from start to end, without arguments and results", async () => {
    const appId = "recorded";
    const recorded = record(() => appId);
    const site = await openSite({ auth: { appId } });
    const browser = await site.login("alice");
    const secrets = new Secrets(["alice"]);
    secrets.add(browser.cookies);
    recorded.traces.length = 0;
    await site.auth.listLogins("alice");
    const steps = ["start", "end", "asyncStart", "asyncEnd"];
    expect(recorded.traces.filter((each) => each.startsWith("registry list"))).toEqual(
      steps.map((step) => `registry list ${step}`),
    );
    recorded.traces.length = 0;
    await site.auth.kick("alice");
    expect(recorded.traces).toEqual(
      expect.arrayContaining([
        ...steps.map((step) => `kick kick ${step}`),
        ...steps.map((step) => `registry end ${step}`),
        ...steps.map((step) => `registry finishKick ${step}`),
      ]),
    );
    expect(recorded.text()).toContain('"users":1,"logins":1');
    await expect(site.auth.kick("")).rejects.toMatchObject({ code: "ERR_ARGUMENT_INVALID" });
    expect(recorded.traces.slice(-3)).toEqual([
      "kick kick error failed",
      "kick kick asyncStart failed",
      "kick kick asyncEnd failed",
    ]);
    const { text } = recorded;
    const traced = text()
      .split("},{")
      .filter((message) => message.includes('"method"'));
    expect(traced.length).toBeGreaterThan(10);
    expect(traced.map((message) => secrets.foundIn(message)).filter(Boolean)).toEqual([]);
  });
});
