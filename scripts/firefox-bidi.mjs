#!/usr/bin/env node
// Firefox for Playwright: runs Debian's Firefox, and stands between it and Playwright's WebDriver BiDi client. That client sends
// commands at each start which an ESR does not know yet; they concern colour schemes alone, and are answered here.
import { spawn } from "node:child_process";
import process from "node:process";
import { WebSocket, WebSocketServer } from "ws";

const FIREFOX = process.env.FIREFOX_PATH ?? "/usr/bin/firefox-esr";
const UNKNOWN = new Set(["emulation.setMediaFeaturesOverride"]);
const LISTENING = /^(WebDriver BiDi listening on )(ws:\/\/[^\s/]+)/m;

const firefox = spawn(FIREFOX, process.argv.slice(2), { stdio: ["ignore", "ignore", "pipe"] });
firefox.once("exit", (code) => process.exit(code ?? 1));
for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => firefox.kill(signal));

let printed = "";
firefox.stderr.on("data", (chunk) => {
  const isKnown = LISTENING.test(printed);
  printed += chunk;
  const [, , origin] = LISTENING.exec(printed) ?? [];
  if (!isKnown && origin !== undefined) listen(origin);
});

function listen(origin) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" }, () => {
    process.stderr.write(`WebDriver BiDi listening on ws://127.0.0.1:${server.address().port}\n`);
  });
  server.on("connection", (client, { url }) => {
    const browser = new WebSocket(origin + url);
    const waiting = [];
    const send = (text) => (browser.readyState === WebSocket.OPEN ? browser.send(text) : waiting.push(text));
    browser.on("open", () => waiting.splice(0).forEach((text) => browser.send(text)));
    browser.on("message", (data) => client.send(data.toString()));
    browser.on("close", () => client.close());
    browser.on("error", () => client.close());
    client.on("close", () => browser.close());
    client.on("message", (data) => {
      const { id, method } = JSON.parse(data.toString());
      if (UNKNOWN.has(method)) client.send(JSON.stringify({ type: "success", id, result: {} }));
      else send(data.toString());
    });
  });
}
