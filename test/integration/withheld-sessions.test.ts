import { once } from "node:events";
import { createServer, connect, type IncomingHttpHeaders } from "node:http2";
import type { AddressInfo } from "node:net";
import { createRequire } from "node:module";
import { afterEach, describe, expect, it } from "@jest/globals";
import express, { type Express, type Request, type RequestHandler, type Response } from "express";
import session, { type SessionOptions, type Store } from "express-session";
import { logout, type LogoutMiddleware } from "../../lib/index.js";
import { RequestSessions } from "../../lib/http/request-sessions.js";
import { hookLeftOn } from "../../lib/session/hook.js";
import { Browser, serve, type TestServer } from "../support/http.js";
import { save } from "../support/race-app.js";
import "../support/site.js";

type Sessions = ((options: SessionOptions) => RequestHandler) & { readonly MemoryStore: new () => Store };
type Logger = (options: object, more?: object) => RequestHandler;

const load = createRequire(__filename);
const VERSIONS: readonly (readonly [string, Sessions])[] = [
  ["1.19", session],
  ["1.16", load("express-session116") as Sessions],
];
const morgan = load("morgan") as unknown as (
  format: (tokens: object, req: Request) => string,
  to: object,
) => RequestHandler;
const pino = load("pino-http") as Logger;
const compression = load("compression") as (options: object) => RequestHandler;

const SETTINGS = {
  lazy: { resave: false, saveUninitialized: false },
  eager: { resave: true, saveUninitialized: true, rolling: true, cookie: { maxAge: 60_000 } },
  "unset: destroy": { resave: true, saveUninitialized: true, unset: "destroy" },
} as const satisfies Record<string, Partial<SessionOptions>>;

const servers: TestServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

interface Site {
  readonly browser: Browser;
  readonly auth: LogoutMiddleware;
  /** The calls that change the store, since the last reset. */
  readonly writes: string[];
  /** The user in each log at the end of the response. */
  readonly lines: string[];
  /** Resolves when so many logs have a line. */
  readonly logged: (count: number) => Promise<void>;
}

/** Access logs as apps have them, which read the session that every request has with express-session alone. */
function addLogs(app: Express, log: (line: string) => void): void {
  const userOf = (req: Request): string => `${String(req.session.userId ?? "-")} ${typeof req.sessionID}`;
  app.use(
    morgan((_tokens, req) => userOf(req), {
      stream: {
        write: (line: string) => {
          log(`morgan ${line.trim()}`);
        },
      },
    }),
  );
  // pino-http asks once before there is a session.
  const customProps = (req: Request): object => ("session" in req ? { user: userOf(req) } : {});
  app.use(
    pino(
      { customProps },
      {
        write: (line: string) => {
          log(`pino ${(JSON.parse(line) as { user: string }).user}`);
        },
      },
    ),
  );
  app.use((req, res, next) => {
    for (const event of ["finish", "close"])
      res.once(event, () => {
        log(`${event} ${userOf(req)}`);
      });
    next();
  });
}
const LOGS = ["morgan", "pino", "finish", "close"];

async function open(
  [sessions, settings]: readonly [Sessions, Partial<SessionOptions>],
  build: (app: Express, withSession: RequestHandler, auth: LogoutMiddleware, store: Store) => void,
): Promise<Site> {
  const store = new sessions.MemoryStore();
  const writes: string[] = [];
  for (const name of ["set", "touch", "destroy"] as const) {
    const method = Reflect.get(store, name) as (this: Store, sid: string, ...rest: unknown[]) => void;
    Object.assign(store, {
      [name]: (sid: string, ...rest: unknown[]) => {
        writes.push(`${name} ${sid}`);
        method.call(store, sid, ...rest);
      },
    });
  }
  const auth = logout({ store, appId: "shop" });
  const app = express();
  const lines: string[] = [];
  let heard = (): void => undefined;
  addLogs(app, (line) => {
    lines.push(line);
    heard();
  });
  build(
    app,
    sessions({ store, secret: "a secret of the tests", resave: false, saveUninitialized: false, ...settings }),
    auth,
    store,
  );
  const server = await serve(app);
  servers.push(server);
  const logged = async (count: number): Promise<void> => {
    while (lines.length < count) await new Promise<void>((resolve) => (heard = resolve));
  };
  return { browser: new Browser(server.url), auth, writes, lines, logged };
}

function addRoutes(app: Express, auth: LogoutMiddleware): void {
  app.post("/login", (req, res, next) => {
    req.session.userId = "alice";
    save(req).then(() => res.json({}), next);
  });
  app.get("/me", (req, res) => {
    res.json({ user: req.session.userId ?? null });
  });
  app.post("/late-logout", (req, res, next) => {
    res.write("begun ");
    auth.logout(req, res).then(() => res.end("done"), next);
  });
}

const sidOf = (browser: Browser): string => /=s:([^.]+)\./.exec(decodeURIComponent(browser.cookies))?.[1] ?? "";

describe.each(VERSIONS)("with express-session %s", (_version, sessions) => {
  describe.each(Object.entries(SETTINGS))("%s", (_words, settings) => {
    async function loggedIn(): Promise<Site & { readonly sid: string }> {
      const site = await open([sessions, settings], (app, withSession, auth) => {
        app.use(withSession, auth);
        addRoutes(app, auth);
      });
      const { status, text } = await site.browser.post("/login");
      expect([status, text]).toEqual([200, "{}"]);
      await site.logged(LOGS.length);
      site.writes.length = site.lines.length = 0;
      return { ...site, sid: sidOf(site.browser) };
    }

    it("a rejected request has a session for access logs, which is not written", async () => {
      const { auth, browser, writes, lines, logged, sid } = await loggedIn();
      await auth.kick("alice");
      writes.length = 0;
      const { status, headers } = await browser.get("/me");
      await logged(LOGS.length);
      expect(status).toBe(401);
      expect(lines.sort()).toEqual(LOGS.map((name) => `${name} - string`).sort());
      expect(headers["set-cookie"]).toEqual([
        expect.stringMatching(/^connect\.sid=; Path=\/; Expires=Thu, 01 Jan 1970/),
      ]);
      expect(writes).toEqual([`destroy ${sid}`]);
    });

    it.each(["get", "post"] as const)("the logout route has a session for access logs: %s", async (method) => {
      const { browser, writes, lines, logged, sid } = await loggedIn();
      const { status, headers } = await browser[method]("/login/profile/logout");
      await logged(LOGS.length);
      expect(status).toBe(method === "get" ? 302 : 303);
      expect(lines.sort()).toEqual(LOGS.map((name) => `${name} - string`).sort());
      expect(headers["set-cookie"]).toEqual([expect.stringMatching(/^connect\.sid=; /)]);
      expect(writes).toEqual([`destroy ${sid}`]);
    });

    it("endLogin() ends the login even if the response has begun, and leaves the cookie", async () => {
      const { auth, browser, sid, writes } = await loggedIn();
      const { text, headers } = await browser.post("/late-logout");
      expect(text).toBe("begun done");
      expect(headers["set-cookie"]?.toString() ?? "").not.toContain("1970");
      expect(writes.filter((write) => write !== `touch ${sid}`)).toEqual([`destroy ${sid}`]);
      expect((await auth.listLogins("alice")).items).toEqual([]);
      expect((await browser.get("/me")).body).toEqual({ user: null });
    });
  });

  const WAYS: Readonly<Record<string, (req: Request, res: Response) => unknown>> = {
    "changes its session": (req, res) => {
      req.session.visits = 1;
      res.json({});
    },
    "saves its session": async (req, res) => {
      await save(req);
      res.json({});
    },
    "streams its response": async (req, res) => {
      req.session.visits = 1;
      res.write("a".repeat(5_000));
      await new Promise(setImmediate);
      res.end("b".repeat(5_000));
    },
    "sends a long response": (_req, res) => res.type("text").send("a".repeat(10_000)),
    "writes its own head": (_req, res) => {
      res.writeHead(200, { "Content-Type": "text/plain", "Set-Cookie": "own=1" });
      res.end("a");
    },
  };
  const compress = compression({ threshold: 0 });
  const PLACES: Readonly<Record<string, (withSession: RequestHandler, withhold: RequestHandler) => RequestHandler[]>> =
    {
      "no compression": (withSession, withhold) => [withSession, withhold],
      "compression before session()": (withSession, withhold) => [compress, withSession, withhold],
      "compression between": (withSession, withhold) => [withSession, compress, withhold],
      "compression after": (withSession, withhold) => [withSession, withhold, compress],
    };
  const CASES = Object.keys(WAYS).flatMap((way) =>
    Object.keys(PLACES).flatMap((place) => Object.keys(SETTINGS).map((setting) => [way, place, setting] as const)),
  );

  it.each(CASES)(
    "an anonymous request that continues and %s writes nothing and gets no cookie: %s, %s",
    async (way, place, setting) => {
      const { browser, writes, lines, logged } = await open(
        [sessions, SETTINGS[setting as keyof typeof SETTINGS]],
        (app, withSession, auth, store) => {
          const withheld = withholding(auth, store);
          app.use(...(PLACES[place]?.(withSession, withheld) ?? []));
          app.get("/", (req, res, next) => {
            Promise.resolve(WAYS[way]?.(req, res)).catch(next);
          });
        },
      );
      const { status, headers } = await browser.get("/");
      await logged(LOGS.length);
      expect(status).toBe(200);
      expect(headers["set-cookie"]).toEqual(way === "writes its own head" ? ["own=1"] : undefined);
      expect(writes).toEqual([]);
      expect(lines.sort()).toEqual(LOGS.map((name) => `${name} - string`).sort());
    },
  );

  it("a request that generates a session afterwards gets that session", async () => {
    const { browser, writes } = await open([sessions, SETTINGS.lazy], (app, withSession, auth, store) => {
      app.use(withSession, withholding(auth, store));
      app.get("/", (req, res, next) => {
        req.session.regenerate((error: unknown) => {
          req.session.userId = "bob";
          if (error === null || error === undefined) res.json({});
          else next(error);
        });
      });
    });
    const { headers } = await browser.get("/");
    expect(headers["set-cookie"]).toHaveLength(1);
    expect(writes).toContain(`set ${sidOf(browser)}`);
  });
});

/** The action of the guard for a request that it does not reject. */
function withholding(auth: LogoutMiddleware, store: Store): RequestHandler {
  // The hook of a store is no public name: it is got as another logout() gets it.
  let sessions: RequestSessions | undefined;
  const opened = auth.close().then(() => {
    const hook = hookLeftOn(store);
    if (hook !== undefined) sessions = new RequestSessions(hook, store);
  });
  return (req, res, next) => {
    opened.then(() => {
      sessions?.withhold(req, res);
      next();
    }, next);
  };
}

describe("a bare server of HTTP/2", () => {
  it("rejects with the reason, and the request has a session at the end of the response", async () => {
    // Later ones of express-session save no session over HTTP/2: the responses of Node have no _implicitHeader there.
    const sessions = load("express-session116") as Sessions;
    const store = new sessions.MemoryStore();
    const auth = logout({ store, appId: "shop" });
    const withSession = sessions({ store, secret: "a secret of the tests", ...SETTINGS.eager });
    const seen: unknown[] = [];
    const server = createServer((request, response) => {
      const req: Request = request as never;
      const res: Response = response as never;
      res.once("finish", () => seen.push(req.session.userId ?? null));
      withSession(req, res, () => {
        void auth.guard(req, res, () => {
          if (req.url === "/login") req.session.userId = "alice";
          res.end();
        });
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const client = connect(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}`);
    const ask = async (path: string, cookie = ""): Promise<{ headers: IncomingHttpHeaders; text: string }> => {
      const stream = client.request({ ":path": path, ...(cookie === "" ? {} : { cookie }) });
      const [headers] = (await once(stream, "response")) as [IncomingHttpHeaders];
      let text = "";
      for await (const chunk of stream) text += String(chunk);
      return { headers, text };
    };
    const [cookie = ""] = (await ask("/login")).headers["set-cookie"]?.[0]?.split(";") ?? [];
    await auth.kick("alice", { reason: "The password was changed." });
    const { headers, text } = await ask("/me", cookie);
    expect(headers[":status"]).toBe(401);
    expect(text).toContain("The password was changed.");
    expect(headers["set-cookie"]).toBeUndefined();
    expect(seen).toEqual(["alice", null]);
    client.close();
    server.close();
    await once(server, "close");
  });
});
