import { once } from "node:events";
import { request, ServerResponse, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "@jest/globals";
import type { Request, RequestHandler, Response } from "express";
import session, { MemoryStore } from "express-session";
import { logout, type LogoutMiddleware } from "../../lib/index.js";
import { serve } from "../support/http.js";

const SECRET = "a secret of the tests";
const WHY = "because it is late";
const closes: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closes.splice(0).map((close) => close()));
});

/** A server of node:http without Express, in which alice has logged in and may have been kicked. */
async function bareSite(pick: (auth: LogoutMiddleware) => RequestHandler, isKicked: boolean) {
  const store = new MemoryStore();
  const auth = logout({ store, appId: "shop", onRejected: (_req, res) => res.redirect("/login") });
  const sessions = session({ store, secret: SECRET, resave: false, saveUninitialized: false });
  const serveWith = (req: IncomingMessage, res: ServerResponse, then: () => void): void => {
    sessions(req as Request, res as Response, () => {
      if (req.url === "/log-in") Object.assign((req as Request).session, { userId: "alice" });
      pick(auth)(req as Request, res as Response, (error?: unknown) => {
        if (error === undefined) then();
        else res.writeHead(500).end();
      });
    });
  };
  const upgraded = (socket: { end: (text: string) => void }) => () =>
    socket.end("HTTP/1.1 101 Switching Protocols\r\n\r\n");
  const server = await serve(
    (req, res) => serveWith(req, res, () => res.end(String((req as Request).session.userId))),
    (attached) =>
      attached.on("upgrade", (req, socket) => {
        serveWith(req, new ServerResponse(req), upgraded(socket));
      }),
  );
  closes.push(() => server.close());
  const ask = async (path: string, headers: Readonly<Record<string, string>> = {}) => {
    const sending = request(server.url + path, { headers, agent: false });
    sending.end();
    const [answer] = (await once(sending, "response")) as [IncomingMessage];
    const cookies = answer.headers["set-cookie"] ?? [];
    return { status: answer.statusCode, type: answer.headers["content-type"], cookies, text: await text(answer) };
  };
  const Cookie = (await ask("/log-in")).cookies[0]?.split(";")[0] ?? "";
  if (isKicked) await auth.kick("alice", { reason: WHY });
  return { ask: (path: string, headers = {}) => ask(path, { Cookie, ...headers }), url: server.url, Cookie };
}

const WAYS = [
  ["auth", (auth: LogoutMiddleware) => auth],
  ["auth.guard", (auth: LogoutMiddleware) => auth.guard],
] as const;

describe.each(WAYS)("%s on a request without Express", (_name, pick) => {
  it("lets a user pass", async () => {
    const { ask } = await bareSite(pick, false);
    expect(await ask("/me")).toMatchObject({ status: 200, text: "alice" });
  });

  it("rejects a kicked login with JSON, once, and clears the cookie", async () => {
    const { ask } = await bareSite(pick, true);
    const answer = await ask("/me", { Accept: "text/html" });
    expect(answer).toMatchObject({ status: 401, type: "application/json; charset=utf-8" });
    expect(JSON.parse(answer.text)).toEqual({ code: 401, message: `You have been logged out: ${WHY}` });
    expect(answer.cookies).toEqual([expect.stringMatching(/^connect\.sid=; Path=\/; Expires=Thu, 01 Jan 1970/)]);
    expect(await ask("/me")).toMatchObject({ status: 200, text: "undefined" });
  });

  it("rejects with a problem document if the client names that type", async () => {
    const { ask } = await bareSite(pick, true);
    const answer = await ask("/me", { Accept: "application/problem+json" });
    expect(answer).toMatchObject({ status: 401, type: "application/problem+json; charset=utf-8" });
    expect(JSON.parse(answer.text)).toMatchObject({ status: 401, detail: `You have been logged out: ${WHY}` });
  });

  it("keeps the reason if the client does not show the answer", async () => {
    const { ask } = await bareSite(pick, true);
    const polling = { "Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors", Accept: "*/*" };
    for (let i = 0; i < 2; i++) expect(await ask("/socket.io/", polling)).toMatchObject({ status: 401, cookies: [] });
  });

  it("never rejects the login page", async () => {
    const { ask } = await bareSite(pick, true);
    expect(await ask("/login")).toMatchObject({ status: 200, text: "undefined" });
  });

  it.each([
    [false, "HTTP/1.1 101"],
    [true, "HTTP/1.1 401"],
  ])("answers a request to upgrade: kicked %s, %s", async (isKicked, line) => {
    const { url, Cookie } = await bareSite(pick, isKicked);
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    const head = ["GET /ws HTTP/1.1", "Host: a", "Connection: Upgrade", "Upgrade: websocket", `Cookie: ${Cookie}`];
    socket.write(`${head.join("\r\n")}\r\n\r\n`);
    expect((await text(socket)).startsWith(line)).toBe(true);
  });
});
