import { promisify } from "node:util";
import { parse } from "cookie";
import { signedCookie } from "cookie-parser";
import type { SessionData, Store } from "express-session";
import type { LogoutMiddleware } from "express-logout";
import type { Server, Socket } from "socket.io";

/** Lets users connect whose session is in the store: for sockets that do not go through the session middleware. */
export function onlyUsers(io: Server, store: Store, secret: string, auth: LogoutMiddleware): void {
  const load = promisify((sid: string, done: (error: unknown, session?: SessionData | null) => void) => {
    store.get(sid, done);
  });

  const admit = async (socket: Socket): Promise<void> => {
    const { "connect.sid": cookie = "" } = parse(socket.handshake.headers.cookie ?? "");
    const sessionId = signedCookie(cookie, secret);
    const session = sessionId === false ? undefined : await load(sessionId);
    if (sessionId === false || session?.userId === undefined) throw new Error("Log in first.");
    const signal = await auth.signalOfSession(sessionId, socket.conn);
    if (signal.aborted) throw new Error("Log in first.");
    signal.addEventListener("abort", () => socket.conn.close(true));
  };

  io.use((socket, next) => {
    admit(socket).then(() => {
      next();
    }, next);
  });
}
