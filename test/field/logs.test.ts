import type { ServerResponse } from "node:http";
import { Writable } from "node:stream";
import { describe, expect, it } from "@jest/globals";
import type { Request } from "express";
import morgan from "morgan";
import { pino } from "pino";
import { pinoHttp } from "pino-http";
import { reportTried, useShops } from "./support/field.js";
import { expectJourney, kick } from "./support/journey.js";
import type { Parts } from "./support/shop.js";

/** Logs that name the user, as `req.session` shows it when the answer is out. */
const LOGGERS: Readonly<Record<string, (lines: string[]) => Parts["first"]>> = {
  morgan: (lines) => (app) => {
    morgan.token("user", (req: Request) => String(req.session.userId ?? "-"));
    app.use(morgan(":user :method :url :status", { stream: { write: (line) => lines.push(line.trim()) } }));
  },
  "pino-http": (lines) => (app) => {
    const stream = new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines.push((JSON.parse(chunk.toString()) as { msg: string }).msg);
        done();
      },
    });
    const customSuccessMessage = (req: object, res: ServerResponse): string => {
      const { session, method, originalUrl } = req as Request;
      return `${String(session.userId ?? "-")} ${method} ${originalUrl} ${String(res.statusCode)}`;
    };
    app.use(pinoHttp({ logger: pino(stream), customSuccessMessage }));
  },
};

reportTried("middleware", Object.keys(LOGGERS));

describe.each(Object.entries(LOGGERS))("%s, with a log that reads req.session", (_name, logTo) => {
  const openShop = useShops();

  it("the journey", async () => {
    await expectJourney(await openShop({ first: logTo([]) }));
  });

  it("logs a rejected request and a logout, and the process keeps running", async () => {
    const lines: string[] = [];
    const { url, device } = await openShop({ first: logTo(lines) });
    const alice = await device("alice");
    await alice.page("/me");
    await kick(url, ["alice"]);
    await alice.page("/me");
    const bob = await device("bob");
    await bob.page("/login/profile/logout");
    await bob.page("/me");
    expect(lines).toEqual(
      expect.arrayContaining([
        "alice GET /me 200",
        "- GET /me 401",
        expect.stringMatching(/^(bob|-) GET \/login\/profile\/logout 302$/),
        "- GET /me 200",
      ]),
    );
  });
});
