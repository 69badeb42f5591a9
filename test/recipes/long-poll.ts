import type { EventEmitter } from "node:events";
import type { RequestHandler } from "express";
import type { LogoutMiddleware } from "express-logout";

/** A handler for `app.get("/poll", …)`, after `app.use(session(…))` and `app.use(auth)`. */
export function longPoll(auth: LogoutMiddleware, news: EventEmitter): RequestHandler {
  return function poll(req, res) {
    const answer = (status: number, body: object) => {
      // What it waits for may come in the very moment in which the login ends.
      if (!res.headersSent) res.status(status).json(body);
    };
    const sendNews = (text: string) => answer(200, { text });
    news.on("news", sendNews);
    res.once("close", () => news.off("news", sendNews));

    const signal = auth.signal(req);
    signal.addEventListener("abort", () => answer(401, { message: signal.reason?.details.reason }));
  };
}
