import type { EventEmitter } from "node:events";
import type { RequestHandler } from "express";
import type { LogoutMiddleware } from "express-logout";

/** A handler for `app.get("/events", …)`, after `app.use(session(…))` and `app.use(auth)`. */
export function serverSentEvents(auth: LogoutMiddleware, news: EventEmitter): RequestHandler {
  return function events(req, res) {
    if (req.session.userId === undefined) {
      res.sendStatus(401);
      return;
    }
    res.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" }).flushHeaders();
    const send = (event: string, data: unknown) => res.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);

    const sendNews = (text: string) => send("news", text);
    news.on("news", sendNews);
    res.once("close", () => news.off("news", sendNews));

    const signal = auth.signal(req);
    signal.addEventListener("abort", () => {
      news.off("news", sendNews);
      const { cause, reason } = signal.reason?.details ?? {};
      send("logout", { cause, reason });
      res.end();
      // A client that does not read would keep the connection.
      setTimeout(() => res.destroy(), 5_000).unref();
    });
  };
}
