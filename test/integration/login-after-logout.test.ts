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

describe("a request that logs its user out, and in again", () => {
  it.each([
    ["begins no login after a kick in between", true, []],
    ["begins one without a kick", false, [{ userId: "alice" }]],
  ])("%s", async (_what, isKicked, logins) => {
    const gate = new Gate();
    const after = (app: Express, auth: LogoutMiddleware): void => {
      app.post("/again", (req, res, next) => {
        const again = async (): Promise<void> => {
          await auth.logout(req, res);
          await gate.pass();
          await regenerate(req);
          req.session.userId = "alice";
          await save(req);
          res.json({});
        };
        again().catch(next);
      });
    };
    const site = await open({ after });
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
    const gate = new Gate();
    const after = (app: Express, auth: LogoutMiddleware): void => {
      app.post("/again", (req, res, next) => {
        const again = async (): Promise<void> => {
          await gate.pass();
          await auth.logout(req, res);
          await regenerate(req);
          req.session.userId = "alice";
          await save(req);
          res.json({});
        };
        again().catch(next);
      });
    };
    const site = await open({ after });
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
