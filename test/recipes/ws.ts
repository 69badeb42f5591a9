import { ServerResponse, type Server } from "node:http";
import type { Request, RequestHandler, Response } from "express";
import type { LogoutMiddleware } from "express-logout";
import { WebSocketServer } from "ws";

/** @param sessions - what `session({ store, … })` has returned: the app uses the very same. */
export function webSockets(server: Server, sessions: RequestHandler, auth: LogoutMiddleware): WebSocketServer {
  const sockets = new WebSocketServer({ noServer: true });

  server.on("upgrade", (upgrade, socket, head) => {
    const req = upgrade as Request;
    socket.on("error", () => socket.destroy());
    sessions(req, new ServerResponse(req) as Response, (error?: unknown) => {
      const { session } = req as Partial<Request>;
      if (error !== undefined || session?.userId === undefined) {
        const status = error === undefined ? "401 Unauthorized" : "503 Service Unavailable";
        socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`);
        return;
      }
      sockets.handleUpgrade(req, socket, head, (webSocket) => {
        const signal = auth.signal(req);
        signal.addEventListener("abort", () => {
          // Until the other side has agreed to the close, its messages would go on being heard.
          webSocket.removeAllListeners("message");
          webSocket.close(4401, signal.reason?.details.cause);
        });
        sockets.emit("connection", webSocket, req);
      });
    });
  });

  return sockets;
}
