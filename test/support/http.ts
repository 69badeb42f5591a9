import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { Socket } from "node:net";
import request, { type Response, type Test } from "supertest";

/** A server on a free port, with the helpers of the tests. */
export interface TestServer {
  readonly url: string;
  close(): Promise<void>;
}

export async function serve(listener: RequestListener, attach?: (server: Server) => void): Promise<TestServer> {
  const server: Server = createServer(listener);
  attach?.(server);
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `http://127.0.0.1:${String(address.port)}`,
    close: async () => {
      server.close();
      // An upgraded one is no connection of HTTP any more.
      for (const socket of sockets) socket.destroy();
      await once(server, "close");
    },
  };
}

/** A browser reduced to its cookies: it sends the cookies it was given, and drops cleared cookies. */
export class Browser {
  #cookies = new Map<string, string>();
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** Another browser with the same cookies. */
  clone(url = this.#url): Browser {
    const browser = new Browser(url);
    browser.#cookies = new Map(this.#cookies);
    return browser;
  }

  /** The same browser, with this cookie too. */
  withCookie(name: string, value: string): this {
    this.#cookies.set(name, value);
    return this;
  }

  get cookies(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return this.#send(request(this.#url).get(path), headers);
  }

  post(path: string, body: object = {}, headers: Record<string, string> = {}): Promise<Response> {
    return this.#send(request(this.#url).post(path).send(body), headers);
  }

  async #send(sending: Test, headers: Record<string, string>): Promise<Response> {
    const response = await sending
      .trustLocalhost()
      .redirects(0)
      .set({ Cookie: this.cookies, ...headers });
    const given = response.headers["set-cookie"] as unknown as string[] | undefined;
    for (const cookie of given ?? []) this.#take(cookie);
    return response;
  }

  #take(cookie: string): void {
    const [pair = "", ...attributes] = cookie.split("; ");
    const [name = "", value = ""] = pair.split("=");
    const expires = attributes.find((attribute) => attribute.startsWith("Expires="));
    if (expires !== undefined && Date.parse(expires.slice("Expires=".length)) <= Date.now()) this.#cookies.delete(name);
    else this.#cookies.set(name, value);
  }
}
