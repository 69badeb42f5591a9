import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import type { LoginRegistry } from "../../lib/registry/index.js";
import { printed, startCli, type RunningCli } from "../support/cli.js";
import { PASSWORDS, postgresPlace, redisPlace } from "../support/cli-places.js";
import { eventually } from "../support/redis-server.js";
import { kickUser, newKick, newLogin, next } from "../support/registry-calls.js";
import { Secrets } from "../support/secrets.js";

jest.setTimeout(180_000);

const secrets = new Secrets(PASSWORDS);

describe.each([redisPlace(), postgresPlace()])("watch on $name", (place) => {
  let registry: LoginRegistry;
  let watching: RunningCli;
  beforeAll(() => place.start());
  afterAll(() => place.stop());
  beforeEach(async () => {
    const appId = next("app");
    registry = place.registry();
    registry.init({ appId, maxSessionAgeMs: 86_400_000 });
    watching = await startCli(["watch", "--json", "--app", appId, ...place.args()], place.env(), "Watching");
  });
  afterEach(async () => {
    await registry.close();
    const found = printed.map((each) => secrets.foundIn(each)).find((each) => each !== undefined);
    if (found !== undefined) throw new Error(`A secret was printed: ${found}`);
  });

  /** A user logs in and is kicked, as soon as the server responds. */
  const kick = async (userId: string, reason: string): Promise<string> => {
    const login = newLogin(userId);
    await eventually(() => registry.add(login));
    await eventually(() => kickUser(registry, userId, newKick({ reason })));
    return login.id;
  };

  it("goes on after an outage of the server: each end is one line of JSON", async () => {
    const first = await kick("al\nice", "Two\nlines.");
    await watching.lines(1);
    await place.outage(() => watching.says("The connection is lost: ends are missed until it is back."));
    await watching.says("Watching", 2);
    const second = await kick("bob", "Bye.");
    const lines = (await watching.lines(2)).map((line) => JSON.parse(line) as object);
    expect(lines).toEqual([
      { at: expect.any(String), cause: "kick", userId: "al\nice", loginIds: [first], reason: "Two\nlines." },
      { at: expect.any(String), cause: "kick", userId: "bob", loginIds: [second], reason: "Bye." },
    ]);
    expect(await watching.interrupt()).toBe(0);
  });

  it("ends at once with 0 while the server is down", async () => {
    await place.outage(async () => {
      await watching.says("The connection is lost");
      const started = performance.now();
      expect(await watching.interrupt()).toBe(0);
      expect(performance.now() - started).toBeLessThan(10_000);
    });
  });
});
