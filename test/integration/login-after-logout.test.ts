import { describe, expect, it } from "@jest/globals";
import { promisify } from "node:util";
import type { Express, Request } from "express";
import { Gate } from "../support/gate.js";
import type { LogoutMiddleware } from "../../lib/index.js";
import { save } from "../support/race-app.js";
import { useSites } from "../support/site.js";

const open = useSites();
const regenerate = (req: Request): Promise<unknown> =>
  promisify((done: (error?: unknown) => void) => req.session.regenerate(done))();

/** A site whose route `/again` logs its user out, and in again. The request waits at the gate. */
async function openWaiting(waits: "before the logout" | "after the logout") {
  const gate = new Gate();
  const passIf = async (here: typeof waits): Promise<void> => {
    if (here === waits) await gate.pass();
  };
  const after = (app: Express, auth: LogoutMiddleware): void => {
    app.post("/again", (req, res, next) => {
      const again = async (): Promise<void> => {
        await passIf("before the logout");
        await auth.logout(req, res);
        await passIf("after the logout");
        await regenerate(req);
        req.session.userId = "alice";
        await save(req);
        res.json({});
      };
      again().catch(next);
    });
  };
  return { site: await open({ after }), gate };
}

describe("a request that logs its user out, and in again", () => {
  it.each([
    ["begins no login after a kick in between", true, []],
    ["begins one without a kick", false, [{ userId: "alice" }]],
  ])("%s", async (_what, isKicked, logins) => {
    const { site, gate } = await openWaiting("after the logout");
    const alice = await site.login("alice");
    const answered = alice.post("/again");
    await gate.reached;
    if (isKicked) await site.auth.kick("alice");
    gate.open();
    await answered;
    expect((await site.auth.listLogins("alice")).items).toMatchObject(logins);
    expect(await site.user(alice)).toBe(isKicked ? null : "alice");
  });

  it("begins no login if its own was kicked before the logout", async () => {
    const { site, gate } = await openWaiting("before the logout");
    const alice = await site.login("alice");
    const [login] = (await site.auth.listLogins("alice")).items;
    const answered = alice.post("/again");
    await gate.reached;
    await site.auth.kickLogin("alice", login?.id ?? "");
    gate.open();
    await answered;
    expect((await site.auth.listLogins("alice")).items).toEqual([]);
    expect(await site.user(alice)).toBeNull();
  });
});
