import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "@jest/globals";
import { MemoryStore } from "express-session";
import { logout } from "../../lib/index.js";
import { postgresPlace, redisPlace, sqlitePlace, type Place } from "../support/cli-places.js";

/** Who has kicked, by the entries that are left. On Redis, the kick that died is not in it: its repetition is. */
const PLACES: readonly (readonly [place: Place, kickers: readonly string[]])[] = [
  [redisPlace(), ["the one who repeats it"]],
  [postgresPlace(), ["the process that dies"]],
  [sqlitePlace(), ["the process that dies"]],
];

describe("a process that is killed between the end of logins and its record", () => {
  const closing: (() => Promise<unknown>)[] = [];
  afterAll(async () => {
    for (const close of closing) await close();
  });

  it.each(PLACES.map(([place, kickers]) => ({ place, kickers, name: place.name })))(
    "has left an entry, or leaves it to the repetition of the kick: $name",
    async ({ place, kickers }) => {
      await place.start();
      const registry = place.registry();
      const auth = logout({ store: new MemoryStore(), registry, appId: "shop", audit: { history: {} } });
      closing.push(async () => {
        await auth.close();
        await registry.close();
        await place.stop();
      });
      const login = { id: "a".repeat(22), userId: "alice", sid: "a session", ttlMs: 3_600_000 };
      expect(await registry.add(login)).toMatchObject({ outcome: "listed" });
      const child = spawn(process.execPath, [join(__dirname, "history-process.mjs"), ...place.args()], {
        stdio: ["ignore", "pipe", "inherit"],
        env: { ...process.env, ...place.env() },
      });
      const [output] = (await once(child.stdout, "data")) as [Buffer];
      expect(output.toString()).toBe("ended\n");
      child.kill("SIGKILL");
      await once(child, "exit");
      expect(await registry.find("alice", login.id)).toBeUndefined();
      expect(await auth.kick("alice", { by: "the one who repeats it" })).toEqual({ users: 1, logins: 1 });
      const { items } = await auth.listHistory();
      expect(items.map(({ by }) => by)).toEqual(kickers);
      expect(items).toMatchObject([{ action: "kick", userId: "alice", loginIds: [login.id], logins: 1 }]);
    },
    60_000,
  );
});
