import { mapLimit } from "../../util/map-limit.js";
import { eventually, same } from "./assertions.js";
import { HOUR_MS, idsOf, newKick, newLogin, type RegistryContext } from "./context.js";
import type { Suite } from "./suite.js";

/** Above what a registry reads in one step. */
const MANY = 600;
const A_FEW = 40;
/** A pool of connections refuses calls that wait for too long. */
const AT_ONCE = 50;

/** The tests of `scanLogins`, which is optional. */
export function scanLoginsTests({ describe, test }: Suite): void {
  /** Runs a test with a function that scans, if the registry has one. */
  const ifItScans = (
    title: string,
    body: (context: RegistryContext, scan: (userId: string) => Promise<string[]>) => Promise<void>,
  ): void => {
    test(title, async (context) => {
      const { registry } = context;
      if (registry.scanLogins === undefined) return;
      const scan = async (userId: string): Promise<string[]> => {
        const found = new Set<string>();
        for await (const logins of registry.scanLogins?.(userId) ?? []) for (const id of idsOf(logins)) found.add(id);
        return [...found].sort();
      };
      await body(context, scan);
    });
  };

  describe("a scan of a user's logins", () => {
    ifItScans("returns the logins of this user, as find does", async ({ registry, begin }, scan) => {
      const alice = newLogin("alice", { ip: "203.0.113.9", userAgent: "phone" });
      await begin(alice);
      await begin(newLogin("bob"));
      same(await scan("alice"), [alice.id]);
      same(await scan("carol"), []);
      for await (const logins of registry.scanLogins?.("alice") ?? []) {
        for (const login of logins) same(login, await registry.find("alice", login.id));
      }
    });

    ifItScans("returns logins that lists do not show", async ({ registry, begin, idsOf: listed }, scan) => {
      const [rotating, hidden] = [newLogin("alice"), newLogin("alice")];
      await begin(rotating);
      await begin(hidden);
      await registry.update("alice", rotating.id, { removeSid: rotating.sid });
      await registry.update("alice", hidden.id, { ttlMs: 1 });
      await eventually(() => listed("alice"), []);
      same(await scan("alice"), [rotating.id, hidden.id].sort());
    });

    ifItScans("returns the logins of a kick that is not finished", async ({ registry, begin, kick }, scan) => {
      const [first, second, third] = [newLogin("alice"), newLogin("alice"), newLogin("alice")];
      for (const login of [first, second]) await begin(login);
      await registry.end("alice", { loginId: first.id, kick: newKick() });
      same(await scan("alice"), [first.id, second.id].sort());
      await kick("alice");
      await begin(third);
      same(await scan("alice"), [first.id, second.id, third.id].sort());
      await registry.finishKick("alice", [first.id, second.id]);
      same(await scan("alice"), [third.id]);
      await registry.end("alice", { loginId: third.id });
      same(await scan("alice"), []);
    });

    ifItScans("returns no login that has expired", async ({ begin }, scan) => {
      const long = newLogin("alice");
      await begin(newLogin("alice", { ttlMs: 1 }));
      await begin(long);
      await eventually(() => scan("alice"), [long.id]);
    });

    ifItScans("misses none of many, while others begin and end", async ({ registry, begin, endLogin }, scan) => {
      const stay = Array.from({ length: MANY }, () => newLogin("alice"));
      const leave = Array.from({ length: A_FEW }, () => newLogin("alice", { began: new Date(Date.now() + HOUR_MS) }));
      await mapLimit(AT_ONCE, [...stay, ...leave], begin);
      const [found] = await Promise.all([
        scan("alice"),
        ...leave.map((login) => endLogin(login)),
        ...leave.map(() => registry.add(newLogin("alice"))),
      ]);
      const ids = new Set(found);
      same(
        stay.filter(({ id }) => !ids.has(id)),
        [],
      );
    });
  });
}
