import { once } from "node:events";
import { describe, expect, it } from "@jest/globals";
import expressWs from "express-ws";
import { parse } from "cookie";
import { Server as SocketServer, type Socket } from "socket.io";
import { io as connect } from "socket.io-client";
import { WebSocket } from "ws";
import { webSockets } from "../recipes/ws.js";
import type { Device } from "./support/device.js";
import { reportTried, useShops } from "./support/field.js";
import { expectJourney, expectRejection, greeted, kick } from "./support/journey.js";
import type { Shop } from "./support/shop.js";

type Attach = (server: ConstructorParameters<typeof SocketServer>[0] & object, shop: Shop) => void;

reportTried("middleware", ["express-ws", "socket.io", "ws"]);

/** Resolves to the outcome of a connection that a device opens. */
function open(device: Device, path = "/live"): { socket: WebSocket; opened: Promise<string> } {
  const socket = new WebSocket(device.url.replace("http", "ws") + path, { headers: { Cookie: device.cookies } });
  const opened = new Promise<string>((resolve) => {
    socket.once("message", (data: Buffer) => resolve(data.toString()));
    socket.once("close", () => resolve("closed"));
    socket.once("error", () => resolve("closed"));
  });
  return { socket, opened };
}

const PLAIN: Readonly<Record<string, Attach>> = {
  "express-ws": (server, { app, auth }) => {
    expressWs(app, server as never).app.ws("/live", (socket, req) => {
      auth.signal(req, socket).addEventListener("abort", () => socket.close());
      socket.send(`Hello ${String(req.session.userId)}`);
    });
  },
  ws: (server, { auth, sessions }) => {
    webSockets(server as never, sessions, auth).on("connection", (socket, req) => {
      socket.send(`Hello ${String((req as { session?: { userId?: string } }).session?.userId)}`);
    });
  },
};

describe.each(Object.entries(PLAIN))("%s", (_name, attach) => {
  const openShop = useShops();

  it("the journey", async () => {
    await expectJourney(await openShop({}, attach));
  });

  it("a kick closes the connection, a new one is rejected, and the next page shows the reason", async () => {
    const { url, device } = await openShop({}, attach);
    const [alice, bob] = [await device("alice"), await device("bob")];
    const [ofAlice, ofBob] = [open(alice), open(bob)];
    expect(await Promise.all([ofAlice.opened, ofBob.opened])).toEqual(["Hello alice", "Hello bob"]);
    const closed = once(ofAlice.socket, "close");
    await kick(url, ["alice"]);
    await closed;
    // Browsers connect again by themselves: no user sees that response.
    expect(await open(alice).opened).toBe("closed");
    expectRejection(await alice.page("/me"));
    expect(ofBob.socket.readyState).toBe(WebSocket.OPEN);
    await bob.page("/login/profile/logout");
    await once(ofBob.socket, "close");
  });
});

/** Ways to authenticate sockets: by the middlewares of the app, or by the store, as passport.socketio and NodeBB do. */
const WITH_SOCKET_IO: Readonly<Record<string, (io: SocketServer, shop: Shop) => void>> = {
  "the guard on its engine": (io, { auth, sessions }) => {
    io.engine.use(sessions);
    io.engine.use(auth.guard);
    io.engine.on("connection", (connection: Socket["conn"]) => {
      auth.signal(connection.request, connection).addEventListener("abort", () => connection.close(true));
    });
  },
  "sockets that look their session up in the store": (io, { auth, store }) => {
    io.use((socket, next) => {
      const sid =
        parse(socket.request.headers.cookie ?? "")
          ["connect.sid"]?.slice(2)
          .split(".")[0] ?? "";
      store.get(sid, (error, session) => {
        if (error != null || session?.userId === undefined) {
          next(new Error("unauthorized"));
          return;
        }
        auth.signalOfSession(sid, socket.conn).then((signal) => {
          signal.addEventListener("abort", () => socket.disconnect(true));
          next();
        }, next);
      });
    });
  },
};

describe.each(Object.entries(WITH_SOCKET_IO))("socket.io, with %s", (_name, use) => {
  const openShop = useShops();
  const attach = (server: unknown, shop: Shop): void => {
    use(new SocketServer(server as never), shop);
  };
  const client = (device: Device, transport: "polling" | "websocket") =>
    connect(device.url, {
      transports: [transport],
      extraHeaders: { Cookie: device.cookies },
      reconnection: false,
      forceNew: true,
    });

  it("the journey", async () => {
    await expectJourney(await openShop({}, attach));
  });

  it.each(["polling", "websocket"] as const)(
    "over %s: a kick closes the connection, and a new one is rejected",
    async (transport) => {
      const { url, device, errors } = await openShop({}, attach);
      const alice = await device("alice");
      const socket = client(alice, transport);
      await new Promise((resolve, reject) => {
        socket.once("connect", () => resolve("connected"));
        socket.once("connect_error", reject);
      });
      const cut = new Promise((resolve) => socket.once("disconnect", resolve));
      await kick(url, ["alice"]);
      await cut;
      const again = client(alice, transport);
      expect(
        await Promise.race([
          new Promise((resolve) => again.once("connect", () => resolve("connected"))),
          new Promise((resolve) => again.once("connect_error", () => resolve("refused"))),
        ]),
      ).toBe("refused");
      again.close();
      expectRejection(await alice.page("/me"));
      await alice.formOf("/login", "/login", { user: "alice" });
      expect(greeted(await alice.page("/me"))).toBe("alice");
      expect(errors).toEqual([]);
    },
  );
});
