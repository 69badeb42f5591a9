import type { Server } from "node:http";
import type { RequestHandler } from "express";
import type { LogoutMiddleware } from "express-logout";
import { Server as SocketServer, type Socket } from "socket.io";

const onlyUsers: RequestHandler = (req, res, next) => {
  if (req.session.userId !== undefined) {
    next();
  } else if (req.headers.upgrade === undefined) {
    res.writeHead(401).end();
  } else {
    req.socket.end("HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n");
  }
};

/** @param sessions - what `session({ store, … })` has returned: the app uses the very same. */
export function socketIo(server: Server, sessions: RequestHandler, auth: LogoutMiddleware): SocketServer {
  const io = new SocketServer(server);
  io.engine.use(sessions);
  io.engine.use(onlyUsers);
  // The connection itself, whichever namespaces its client goes on to use.
  io.engine.on("connection", (connection: Socket["conn"]) => {
    auth.signal(connection.request, connection).addEventListener("abort", () => connection.close(true));
  });
  return io;
}
