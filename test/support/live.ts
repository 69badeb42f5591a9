import { EventEmitter, once } from "node:events";
import { request, ServerResponse, type IncomingMessage, type Server } from "node:http";
import type { Duplex, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import type { Express, Request, RequestHandler, Response } from "express";
import type { LoginSignal, LogoutMiddleware } from "../../lib/index.js";
import type { Browser } from "./http.js";
import type { Site } from "./site.js";

/** The end of a live connection, as its client received it. */
export interface Ended {
  readonly cause: string;
  readonly reason?: string;
  readonly loginId?: string;
}

/** Something live, as its client has it. */
export interface Live {
  /** Resolves when the server has ended it. */
  readonly ended: Promise<Ended>;
  /** The client goes away. */
  close(): void;
}

/** The live things of a site, as its own code has them. */
export class LiveThings {
  readonly signals: LoginSignal[] = [];
  readonly #events = new EventEmitter();
  #closed = 0;

  /** Takes upgrades, as a WebSocket server does. */
  addUpgrades(server: Server, sessions: RequestHandler, auth: LogoutMiddleware): void {
    server.on("upgrade", (req, socket) => {
      sessions(req as Request, new ServerResponse(req) as Response, () => {
        socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: test\r\nConnection: Upgrade\r\n\r\n");
        this.begin(auth.signal(req), socket);
        socket.on("error", () => undefined);
        socket.once("end", () => socket.end()).resume();
      });
    });
  }

  addRoutes(app: Express, auth: LogoutMiddleware): void {
    app.get("/poll", (req, res) => {
      this.begin(auth.signal(req), res);
    });
    app.get("/events", (req, res) => {
      res.writeHead(200, { "Content-Type": "text/event-stream" }).flushHeaders();
      this.begin(auth.signal(req), res);
    });
  }

  begin(signal: LoginSignal, live: Writable): void {
    signal.addEventListener("abort", () => {
      const { cause, reason, loginId } = signal.reason?.details ?? {};
      live.end(JSON.stringify({ cause, reason, loginId }));
    });
    this.signals.push(signal);
    live.once("close", () => {
      this.#closed += 1;
      this.#events.emit("changed");
    });
    this.#events.emit("changed");
  }

  /** Resolves when there have been so many. */
  async begun(count: number): Promise<void> {
    while (this.signals.length < count) await once(this.#events, "changed");
  }

  /** Resolves when so many are over. */
  async closed(count: number): Promise<void> {
    while (this.#closed < count) await once(this.#events, "changed");
  }
}

type Path = "/poll" | "/events" | "/upgrade";

/** Every way to be live: resolves when the server has its signal. */
export const WAYS = {
  "a long poll": (site: Site, browser: Browser, things: LiveThings) => open(site, browser, things, "/poll"),
  "server-sent events": (site: Site, browser: Browser, things: LiveThings) => open(site, browser, things, "/events"),
  "a WebSocket's upgrade": (site: Site, browser: Browser, things: LiveThings) =>
    open(site, browser, things, "/upgrade"),
} as const;

async function open(site: Site, browser: Browser, things: LiveThings, path: Path): Promise<Live> {
  const { hostname, port } = new URL(site.url);
  const upgrade = path === "/upgrade" ? { Connection: "Upgrade", Upgrade: "test" } : {};
  const sending = request({ hostname, port, path, headers: { Cookie: browser.cookies, ...upgrade }, agent: false });
  const begun = things.begun(things.signals.length + 1);
  const answered = answerOf(sending);
  // A client that disconnects expects no answer.
  sending.on("error", () => undefined);
  const ended = answered.then((answer) => JSON.parse(answer) as Ended);
  ended.catch(() => undefined);
  sending.end();
  await begun;
  return {
    ended,
    close: () => {
      sending.destroy();
    },
  };
}

async function answerOf(sending: ReturnType<typeof request>): Promise<string> {
  const [answer, socket, head] = (await Promise.race([once(sending, "response"), once(sending, "upgrade")])) as [
    IncomingMessage,
    Duplex?,
    Buffer?,
  ];
  return `${head?.toString() ?? ""}${await text(socket ?? answer)}`;
}
