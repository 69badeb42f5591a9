// A process on the built package with live connections. It reports their end, and must then end by itself.
import { EventEmitter, once } from "node:events";
import { createServer } from "node:http";
import process from "node:process";
import { RedisStore } from "connect-redis";
import express from "express";
import session, { MemoryStore } from "express-session";
import { logout } from "express-logout";
import { RedisLoginRegistry } from "express-logout/redis";
import { createClient } from "redis";

const [redisUrl, closes] = process.argv.slice(2);
const client = redisUrl === "memory" ? undefined : await createClient({ url: redisUrl }).connect();
const store = client === undefined ? new MemoryStore() : new RedisStore({ client });
const registry = client && new RedisLoginRegistry({ client });
// Longer than the test waits for the end of the process.
const liveCheckIntervalMs = closes === "closes while one is live" ? 600_000 : undefined;
const auth = logout({ store, registry, appId: "shop", sessions: { liveCheckIntervalMs } });

let kicked;
const app = express();
app.use(session({ store, secret: "a secret of the tests", resave: false, saveUninitialized: false }));
app.use(auth);
app.get("/login", (req, res) => {
  req.session.userId = "alice";
  res.end();
});
app.get("/poll", (req, res) => {
  auth.signal(req).addEventListener("abort", () => res.end("over"));
  kicked = auth.kick("alice");
});
app.get("/live", (req, res) => {
  auth.signal(req, new EventEmitter());
  res.end();
});

const server = createServer(app).listen(0, "127.0.0.1");
await once(server, "listening");
const url = `http://127.0.0.1:${server.address().port}`;
const [cookie] = (await fetch(`${url}/login`)).headers.getSetCookie();
const answer = await fetch(`${url}/poll`, { headers: { cookie } });
console.log(await answer.text());
await kicked;

if (closes === "closes while one is live") {
  const [other] = (await fetch(`${url}/login`)).headers.getSetCookie();
  await fetch(`${url}/live`, { headers: { cookie: other } });
}
server.close();
server.closeAllConnections();
if (closes !== "") await auth.close();
await client?.close();
