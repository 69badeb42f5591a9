import { EventEmitter, once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from "@jest/globals";
import type { Server as SocketServer } from "socket.io";
import { io as connectSocket, type Socket } from "socket.io-client";
import { WebSocket, type WebSocketServer } from "ws";
import type { LogoutMiddleware } from "../../lib/index.js";
import { longPoll } from "../recipes/long-poll.js";
import { serverSentEvents } from "../recipes/server-sent-events.js";
import { socketIo } from "../recipes/socket-io.js";
import { webSockets } from "../recipes/ws.js";
import type { Browser } from "../support/http.js";
import { useSites, type Site, type SiteOptions } from "../support/site.js";
import { redisBackend } from "../support/stores.js";
import { installed, tried } from "../support/tried.js";

jest.setTimeout(30_000);

const REASON = "The password was changed.";

const backend = redisBackend();
beforeAll(() => backend.start());
afterAll(() => backend.stop());
afterAll(() => {
  for (const name of ["ws", "socket.io"])
    tried({ kind: "recipe", ...installed(name), what: ["every way a login ends"] });
});
const openSite = useSites();

/** The site with the recipe, and another node. */
async function openNodes(options: SiteOptions): Promise<[Site, Site]> {
  const site = await openSite({ backend, listensTo: [], ...options });
  return [site, await openSite({ backend, listensTo: [], auth: { appId: site.appId } })];
}

describe("the recipe for ws", () => {
  let server: WebSocketServer;
  const heard: string[] = [];
  const open = () =>
    openNodes({
      attach: (http, sessions, auth) => {
        server = webSockets(http, sessions, auth);
        server.on("connection", (socket) => {
          socket.on("message", (data: Buffer) => {
            heard.push(data.toString());
            socket.send(`heard ${data.toString()}`);
          });
        });
      },
    });
  const connect = (site: Site, browser?: Browser): WebSocket =>
    new WebSocket(site.url.replace("http", "ws"), { headers: { Cookie: browser?.cookies ?? "" } });

  it("serves a user, and closes with the reason when they are kicked on another node", async () => {
    const [site, other] = await open();
    const socket = connect(site, await site.login("alice"));
    await once(socket, "open");
    socket.send("hello");
    expect(String((await once(socket, "message"))[0])).toBe("heard hello");
    const closed = once(socket, "close");
    await other.auth.kick("alice", { reason: REASON });
    const [code, reason] = (await closed) as [number, Buffer];
    expect([code, reason.toString()]).toEqual([4401, "kick"]);
  });

  it("receives nothing more from a client that does not answer the close", async () => {
    const [site, other] = await open();
    const browser = await site.login("alice");
    const { hostname, port } = new URL(site.url);
    const key = { "Sec-WebSocket-Key": Buffer.alloc(16).toString("base64"), "Sec-WebSocket-Version": "13" };
    const upgrade = { Connection: "Upgrade", Upgrade: "websocket", Cookie: browser.cookies, ...key };
    const sending = request({ hostname, port, headers: upgrade }).end();
    const [, socket] = (await once(sending, "upgrade")) as [unknown, IncomingMessage["socket"]];
    const [webSocket] = server.clients;
    await other.auth.kick("alice");
    // The frame of the close arrives, and is ignored.
    await once(socket, "data");
    const frame = Buffer.from([0x81, 0x84, 0, 0, 0, 0, ...Buffer.from("late")]);
    socket.end(frame);
    await once(webSocket ?? socket, "close");
    expect(heard).not.toContain("late");
  });

  it("rejects anonymous and kicked users with 401", async () => {
    const [site, other] = await open();
    const browser = await site.login("alice");
    await other.auth.kick("alice");
    for (const who of [undefined, browser]) {
      const [, answer] = (await once(connect(site, who), "unexpected-response")) as [unknown, IncomingMessage];
      expect(answer.statusCode).toBe(401);
    }
    expect(server.clients.size).toBe(0);
  });

  it("survives a client that disconnects before its session has been read", async () => {
    const [site] = await open();
    const browser = await site.login("alice");
    for (let times = 0; times < 20; times += 1) {
      const socket = connect(site, browser);
      socket.on("error", () => undefined);
      socket.terminate();
    }
    const socket = connect(site, browser);
    await once(socket, "open");
    expect(socket.readyState).toBe(WebSocket.OPEN);
  });
});

describe("the recipe for socket.io", () => {
  let io: SocketServer;
  let signals: AbortSignal[] = [];
  const open = () =>
    openNodes({
      attach: (http, sessions, auth) => {
        signals = [];
        const signal: LogoutMiddleware["signal"] = (...args) => {
          signals.push(auth.signal(...args));
          return signals.at(-1) ?? AbortSignal.abort();
        };
        io = socketIo(http, sessions, Object.assign(Object.create(auth) as LogoutMiddleware, { signal }));
        for (const namespace of [io, io.of("/chat")]) {
          namespace.on("connection", (socket) => socket.on("say", (text: string) => socket.emit("heard", text)));
        }
      },
    });
  const sockets: Socket[] = [];
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.disconnect();
  });
  function connect(site: Site, transports: string[], browser?: Browser, namespace = "/"): Socket {
    const extraHeaders = { Cookie: browser?.cookies ?? "" };
    const socket = connectSocket(`${site.url}${namespace}`, {
      transports,
      extraHeaders,
      reconnectionDelay: 1,
      forceNew: true,
    });
    sockets.push(socket);
    return socket;
  }
  const next = (socket: Pick<Socket, "once">, event: string): Promise<unknown> =>
    new Promise((resolve) => socket.once(event, resolve));

  it.each([[["websocket"]], [["polling"]], [["polling", "websocket"]]])(
    "serves a user, and disconnects them when they are kicked on another node: %j",
    async (transports) => {
      const [site, other] = await open();
      const browser = await site.login("alice");
      for (const namespace of ["/", "/chat"]) {
        const socket = connect(site, transports, browser, namespace);
        await next(socket, "connect");
        const { engine } = socket.io;
        if (engine.transport.name !== transports.at(-1))
          await new Promise((resolve) => engine.once("upgrade", resolve));
        socket.emit("say", "hello");
        expect(await next(socket, "heard")).toBe("hello");
      }
      const disconnected = sockets.map((socket) => next(socket, "disconnect"));
      const refused = sockets.map((socket) => next(socket.io as unknown as Pick<Socket, "once">, "reconnect_error"));
      await other.auth.kick("alice", { reason: REASON });
      await Promise.all(disconnected);
      expect(io.engine.clientsCount).toBe(0);
      await Promise.all(refused);
      expect(io.engine.clientsCount).toBe(0);
    },
  );

  it.each(["polling", "websocket"])("rejects anonymous users with 401: %s", async (transport) => {
    const [site] = await open();
    const error = (await next(connect(site, [transport]), "connect_error")) as { description?: unknown };
    expect(JSON.stringify(error.description) + String((error.description as { message?: string }).message)).toContain(
      "401",
    );
    expect(io.engine.clientsCount).toBe(0);
  });

  it.each(["polling", "websocket"])(
    "stops waiting for the login when the connection has ended: %s",
    async (transport) => {
      const [site, other] = await open();
      const connected = [await site.login("alice"), await site.login("bob")].map(async (browser) => {
        const socket = connect(site, [transport], browser);
        await next(socket, "connect");
        return socket;
      });
      const [alice, bob] = await Promise.all(connected);
      const gone = [...io.of("/").sockets.values()].map(({ conn }) => once(conn as unknown as EventEmitter, "close"));
      alice?.disconnect();
      await Promise.race(gone);
      const disconnected = bob && next(bob, "disconnect");
      await other.auth.kick(["alice", "bob"]);
      await disconnected;
      expect(signals.map(({ aborted }) => aborted).sort()).toEqual([false, true]);
    },
  );

  it("keeps other users connected", async () => {
    const [site, other] = await open();
    const [alice, bob] = [await site.login("alice"), await site.login("bob")].map((browser) =>
      connect(site, ["polling"], browser),
    );
    if (alice === undefined || bob === undefined) throw new Error("no sockets");
    await Promise.all([next(alice, "connect"), next(bob, "connect")]);
    const disconnected = next(alice, "disconnect");
    await other.auth.kick("alice");
    await disconnected;
    bob.emit("say", "still here");
    expect(await next(bob, "heard")).toBe("still here");
  });
});

describe("the recipe for a long poll", () => {
  const news = new EventEmitter();
  const open = () => openNodes({ after: (app, auth) => app.get("/poll", longPoll(auth, news)) });
  /** Asks, and resolves to the answer that will come when the handler waits. */
  const poll = async (browser: Browser): Promise<{ answer: ReturnType<Browser["get"]> }> => {
    const waits = new Promise<void>((resolve) => news.once("newListener", () => process.nextTick(resolve)));
    const answer = browser.get("/poll");
    await waits;
    return { answer };
  };

  it("answers a user with the expected message", async () => {
    const [site] = await open();
    const { answer } = await poll(await site.login("alice"));
    news.emit("news", "hello");
    expect((await answer).body).toEqual({ text: "hello" });
  });

  it("answers 401 with the reason when the user is kicked on another node", async () => {
    const [site, other] = await open();
    const { answer } = await poll(await site.login("alice"));
    await other.auth.kick("alice", { reason: REASON });
    const { status, body } = await answer;
    expect([status, body]).toEqual([401, { message: REASON }]);
    expect(news.listenerCount("news")).toBe(0);
  });

  it("answers once if both happen at the same time", async () => {
    // In one process the notification of a kick arrives at once, before the answer has gone out.
    const site = await openSite({ after: (app, auth) => app.get("/poll", longPoll(auth, news)) });
    const { answer } = await poll(await site.login("alice"));
    const said = { isHeard: news.emit("news", "hello"), kick: await site.auth.kick("alice") };
    expect(said).toEqual({ isHeard: true, kick: { users: 1, logins: 1 } });
    expect((await answer).body).toEqual({ text: "hello" });
  });
});

describe("the recipe for server-sent events", () => {
  const news = new EventEmitter();
  const open = () => openNodes({ after: (app, auth) => app.get("/events", serverSentEvents(auth, news)) });

  it("serves a user, and ends with the reason when they are kicked on another node", async () => {
    const [site, other] = await open();
    const browser = await site.login("alice");
    const answer = await fetch(`${site.url}/events`, { headers: { Cookie: browser.cookies } });
    expect(answer.headers.get("content-type")).toBe("text/event-stream");
    news.emit("news", "hello");
    await other.auth.kick("alice", { reason: REASON });
    expect(await answer.text()).toBe(
      `event: news\ndata: "hello"\n\nevent: logout\ndata: {"cause":"kick","reason":"${REASON}"}\n\n`,
    );
    expect(news.listenerCount("news")).toBe(0);
    const again = await fetch(`${site.url}/events`, { headers: { Cookie: browser.cookies } });
    expect(again.status).toBe(401);
  });

  it("rejects anonymous users with 401", async () => {
    const [site] = await open();
    expect((await fetch(`${site.url}/events`)).status).toBe(401);
  });
});
