import type { Server } from "node:http";
import { afterAll, afterEach, describe, expect, it } from "@jest/globals";
import { MemoryStore } from "express-session";
import { Server as SocketServer } from "socket.io";
import { io as connectSocket, type Socket } from "socket.io-client";
import type { LogoutMiddleware } from "../../lib/index.js";
import { onlyUsers } from "../recipes/sockets-by-session-id.js";
import { Browser } from "../support/http.js";
import { SECRET, useSites, type Site } from "../support/site.js";
import { installed, tried } from "../support/tried.js";

afterAll(() => {
  tried({
    kind: "recipe",
    ...installed("socket.io"),
    what: ["the middleware and the guard in io.engine.use()", "sockets by session id"],
  });
});

const openSite = useSites();
const sockets: Socket[] = [];
const servers: SocketServer[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.disconnect();
  for (const io of servers.splice(0)) io.engine.close();
});

interface Refused {
  readonly refused: string;
}

/** Connects once. @returns the socket, or the error of the rejection */
function connect(site: Site, browser: Browser, transport: string): Promise<Socket | Refused> {
  const extraHeaders = { Cookie: browser.cookies };
  const socket = connectSocket(site.url, {
    transports: [transport],
    extraHeaders,
    reconnection: false,
    forceNew: true,
  });
  sockets.push(socket);
  return new Promise((resolve) => {
    socket.once("connect", () => {
      resolve(socket);
    });
    socket.once("connect_error", (error: Error & { description?: unknown }) => {
      const { description } = error;
      resolve({
        refused: `${error.message} ${JSON.stringify(description)} ${(description as Error | undefined)?.message ?? ""}`,
      });
    });
  });
}

function serve(server: Server, use: (io: SocketServer) => void): void {
  const io = new SocketServer(server);
  servers.push(io);
  use(io);
}

const TRANSPORTS = ["polling", "websocket"];
const WAYS: Readonly<Record<string, (auth: LogoutMiddleware) => LogoutMiddleware["guard"]>> = {
  auth: (auth) => auth,
  "auth.guard": (auth) => auth.guard,
};
const CASES = Object.keys(WAYS).flatMap((way) => TRANSPORTS.map((transport) => [way, transport] as const));

describe("io.engine.use()", () => {
  it.each(CASES)(
    "with %s lets users and visitors connect, and rejects kicked users with 401: %s",
    async (way, transport) => {
      const site = await openSite({
        attach: (server, sessions, auth) => {
          serve(server, (io) => {
            io.engine.use(sessions);
            io.engine.use(WAYS[way]?.(auth));
          });
        },
      });
      const [alice, visitor] = [await site.login("alice"), new Browser(site.url)];
      for (const browser of [alice, visitor])
        expect(await connect(site, browser, transport)).toHaveProperty("connected", true);
      await site.auth.kick("alice", { reason: "why" });
      for (let times = 0; times < 2; times += 1) {
        expect(await connect(site, alice, transport)).toEqual({ refused: expect.stringContaining("401") });
      }
      expect(await connect(site, visitor, transport)).toHaveProperty("connected", true);
      expect(site.errors).toEqual([]);
      // No user sees the response to a socket: the reason is kept for a page.
      expect(await alice.get("/me")).toMatchObject({ status: 401, text: expect.stringContaining("why") });
      expect(await connect(site, alice, transport)).toHaveProperty("connected", true);
    },
  );
});

describe("the recipe for sockets by session id", () => {
  it.each(TRANSPORTS)(
    "serves a user, disconnects them at a kick, and rejects them and visitors: %s",
    async (transport) => {
      const store = new MemoryStore();
      const site = await openSite({
        auth: { store },
        attach: (server, _sessions, auth) => {
          serve(server, (io) => {
            onlyUsers(io, store, SECRET, auth);
          });
        },
      });
      const alice = await site.login("alice");
      const socket = (await connect(site, alice, transport)) as Socket;
      expect(socket.connected).toBe(true);
      const disconnected = new Promise((resolve) => socket.once("disconnect", resolve));
      await site.auth.kick("alice");
      await disconnected;
      for (const browser of [alice, new Browser(site.url)]) {
        expect(await connect(site, browser, transport)).toEqual({ refused: expect.stringContaining("Log in first.") });
      }
    },
  );
});
