import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createSecureServer } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, it } from "@jest/globals";
import { tried } from "../../support/tried.js";
import { expectJourney } from "../support/journey.js";
import { createShop } from "../support/shop.js";

/** A certificate of the test's own. */
function certificate(): { key: string; cert: string } {
  const folder = mkdtempSync(join(tmpdir(), "express-logout-certificate-"));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const subject = ["-subj", "/CN=localhost", "-days", "2"];
  const made = spawnSync("openssl", [
    "req",
    "-x509",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-keyout",
    key,
    "-out",
    cert,
    ...subject,
  ]);
  if (made.status !== 0) throw new Error(`openssl made no certificate: ${String(made.error ?? made.stderr)}`);
  const pair = { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  rmSync(folder, { recursive: true });
  return pair;
}

describe("node:http2 with allowHTTP1, as Express 4 and 5 can serve", () => {
  const ending: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of ending.splice(0)) await end();
  });

  it("takes the journey over TLS, with a cookie that is secure", async () => {
    const { app, auth } = createShop({ session: { cookie: { secure: true } } });
    const server = createSecureServer({ ...certificate(), allowHTTP1: true }, app as never);
    const sockets = new Set<Socket>();
    server.on("connection", (socket: Socket) => sockets.add(socket));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    ending.push(async () => {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await Promise.all([closed, auth.close()]);
    });
    await expectJourney({ url: `https://127.0.0.1:${String((server.address() as AddressInfo).port)}` });
    tried({ kind: "field", name: "node:http2", version: "of Node.js", what: ["field suite: allowHTTP1"] });
  });
});
