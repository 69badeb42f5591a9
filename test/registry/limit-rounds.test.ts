import { env } from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { LoginRegistry } from "../../lib/index.js";
import { RedisLoginRegistry } from "../../lib/registry/redis/index.js";
import type { LoginLimit } from "../../lib/types/registry.js";
import { CLIENTS, type OpenClient } from "../support/redis-clients.js";
import { MAX_SESSION_AGE_MS, REGISTRIES, stopRegistryServers, type RegistryKind } from "../support/registries.js";

/** `LIMIT_ROUNDS=400 npx jest --testPathPatterns limit-rounds` for the proof. */
const ROUNDS = Number(env["LIMIT_ROUNDS"] ?? 20);
const AT_ONCE = 21;
const MOST = 3;
const PROCESSES = 4;
const TIMEOUT_MS = 600_000;

const limit = (whenFull: LoginLimit["whenFull"]): LoginLimit => {
  return { count: MOST, whenFull, record: { id: "a limit", at: new Date(), cause: "limit" } };
};

/** Runs simultaneous logins of one user on some connections, beside a watcher, and returns the most that it has seen. */
async function round(
  registries: readonly LoginRegistry[],
  watcher: LoginRegistry,
  userId: string,
  whenFull: LoginLimit["whenFull"],
): Promise<{ most: number; listed: number; atTheEnd: number }> {
  const progress = { isDone: false };
  const logins = Array.from({ length: AT_ONCE }, async (_each, index) => {
    const login = { id: `login ${String(index)}`, userId, sid: `sid ${String(index)}`, ttlMs: 60_000 };
    return registries[index % registries.length]?.add(login, { limit: limit(whenFull) });
  });
  const done = Promise.all(logins).finally(() => {
    progress.isDone = true;
  });
  const count = async (): Promise<number> => (await watcher.list(userId, { offset: 0, limit: AT_ONCE })).items.length;
  let most = 0;
  do {
    most = Math.max(most, await count());
    await new Promise(setImmediate);
  } while (!progress.isDone);
  const added = await done;
  return { most, listed: added.filter((each) => each?.outcome === "listed").length, atTheEnd: await count() };
}

/** Returns what was seen in all rounds, and what should have been. */
async function rounds(registries: readonly LoginRegistry[]): Promise<{ seen: unknown[]; expected: unknown[] }> {
  const [watcher, ...others] = registries;
  if (watcher === undefined) throw new Error("no registry");
  const [seen, expected]: [unknown[], unknown[]] = [[], []];
  for (const whenFull of ["end", "refuse"] as const) {
    for (let number = 0; number < ROUNDS; number += 1) {
      const { most, ...found } = await round(others, watcher, `${whenFull} ${String(number)}`, whenFull);
      seen.push({ ...found, most: Math.max(most, MOST) });
      expected.push({ most: MOST, listed: whenFull === "end" ? AT_ONCE : MOST, atTheEnd: MOST });
    }
  }
  return { seen, expected };
}

afterAll(stopRegistryServers);

describe(`${String(AT_ONCE)} simultaneous logins, at most ${String(MOST)}: never more, and as many at the end`, () => {
  const kinds = REGISTRIES.filter(({ name }) => !name.startsWith("Redis"));

  describe.each(kinds)("$name", (kind: RegistryKind) => {
    beforeAll(() => kind.start(), TIMEOUT_MS);
    afterAll(() => kind.stop());

    it(
      "on several connections",
      async () => {
        const registries = Array.from({ length: PROCESSES }, () => kind.create("rounds"));
        for (const each of registries) each.init({ appId: "rounds", maxSessionAgeMs: MAX_SESSION_AGE_MS });
        const { seen, expected } = await rounds(registries);
        expect(seen).toEqual(expected);
        for (const each of registries) await each.close();
      },
      TIMEOUT_MS,
    );
  });

  describe("RedisLoginRegistry", () => {
    const opened: OpenClient[] = [];
    beforeAll(async () => {
      const [kind] = CLIENTS;
      for (let number = 0; number < PROCESSES; number += 1) if (kind !== undefined) opened.push(await kind.open());
    }, TIMEOUT_MS);
    afterAll(async () => {
      for (const each of opened) await each.close();
    });

    it(
      "on several connections",
      async () => {
        const registries = opened.map(({ client }) => new RedisLoginRegistry({ client }));
        for (const each of registries) each.init({ appId: "rounds", maxSessionAgeMs: MAX_SESSION_AGE_MS });
        const { seen, expected } = await rounds(registries);
        expect(seen).toEqual(expected);
        for (const each of registries) await each.close();
      },
      TIMEOUT_MS,
    );
  });
});
