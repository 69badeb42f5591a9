import { once } from "node:events";
import { connect, createServer, type Http2ServerRequest } from "node:http2";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "@jest/globals";
import type { Request } from "express";
import { isOwnOrigin } from "../../lib/http/origin.js";

/** Asks a server of HTTP/2 by `:authority`, and returns the server's result for an origin. */
async function askByAuthority(authority: string, origin: string, headers: Record<string, string> = {}) {
  const server = createServer((req: Http2ServerRequest, res) => {
    res.end(String(isOwnOrigin(req as unknown as Request, origin)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}`);
  try {
    const stream = client.request({ ":authority": authority, ...headers });
    return (await stream.setEncoding("utf8").toArray()).join("");
  } finally {
    client.close();
    server.close();
  }
}

describe("the origin of a request over HTTP/2", () => {
  it.each([
    ["its own", "https://shop.example", {}, "true"],
    ["another one", "https://evil.example", {}, "false"],
    ["the one of Host, which does not count", "https://evil.example", { host: "evil.example" }, "false"],
  ])("is compared with :authority: %s", async (_case, origin, headers, isOwn) => {
    expect(await askByAuthority("shop.example", origin, headers)).toBe(isOwn);
  });
});
