// The journey that every consumer of the package takes: a user logs in, sees the page of logins, is kicked, and is rejected. With
// REDIS_URL sessions and logins are in Redis, with LOGINS logins in that SQLite file; otherwise all is in memory.
const assert = require("node:assert/strict");
const { generateKeyPairSync, randomUUID, sign } = require("node:crypto");
const { once } = require("node:events");
const { createServer } = require("node:http");

/** Sessions and logins, and which commands the store has sent. */
async function openPlace(parts) {
  const { REDIS_URL, LOGINS } = process.env;
  if (REDIS_URL) return inRedis(parts, REDIS_URL);
  const inMemory = { place: "memory", store: new parts.session.MemoryStore(), commands: [], close: () => {} };
  if (!LOGINS) return inMemory;
  return { ...inMemory, place: "SQLite", registry: new parts.SqliteLoginRegistry({ database: LOGINS }) };
}

async function inRedis({ RedisStore, createClient, RedisLoginRegistry }, url) {
  const client = await createClient({ url }).connect();
  const commands = [];
  for (const name of ["get", "set", "del"]) {
    const send = client[name].bind(client);
    client[name] = (...args) => {
      commands.push(name);
      return send(...args);
    };
  }
  return {
    place: "Redis",
    store: new RedisStore({ client }),
    registry: new RedisLoginRegistry({ client }),
    commands,
    close: () => client.destroy(),
  };
}

async function assertPageWorks(origin, headers) {
  const page = await fetch(`${origin}/u`, { headers: { ...headers, accept: "text/html" } });
  assert.equal(page.status, 200);
  const files = [...(await page.text()).matchAll(/(?:href|src)="([^"]+\.(?:css|js))"/g)].map(([, path]) => path);
  const answers = await Promise.all(files.map((path) => fetch(new URL(path, page.url), { headers })));
  const types = answers.map((answer) => `${answer.status} ${answer.headers.get("content-type").split(";")[0]}`);
  assert.deepEqual(types.sort(), ["200 text/css", "200 text/javascript"]);
}

/** An identity provider: its keys on a server, and a logout token of it. */
async function openProvider() {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const jwk = { ...publicKey.export({ format: "jwk" }), kid: "1", alg: "RS256", use: "sig" };
  const server = createServer((_req, res) => res.end(JSON.stringify({ keys: [jwk] }))).listen(0);
  await once(server, "listening");
  const issuer = `http://localhost:${server.address().port}`;
  const logoutToken = (sub) => {
    const iat = Math.floor(Date.now() / 1_000);
    const events = { "http://schemas.openid.net/event/backchannel-logout": {} };
    const claims = { iss: issuer, aud: "shop", sub, iat, exp: iat + 60, jti: randomUUID(), events };
    const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const signed = `${part({ alg: "RS256", typ: "logout+jwt", kid: "1" })}.${part(claims)}`;
    return `${signed}.${sign("sha256", Buffer.from(signed), privateKey).toString("base64url")}`;
  };
  return { issuer, logoutToken, close: () => server.close() };
}

module.exports = async function journey(name, parts) {
  const { express, session, logout, LogoutError, instrument, oidc } = parts;
  const { PostgresLoginRegistry, RedisLoginRegistry, SqliteLoginRegistry } = parts;
  const { place, store, registry, commands, close } = await openPlace(parts);
  const app = express();
  const provider = await openProvider();
  const { issuer } = provider;
  const claims = (data) => (data.userId === undefined ? undefined : { iss: issuer, sub: data.userId });
  const idp = oidc({ issuer, clientId: "shop", jwksUri: `${issuer}/jwks`, claims });
  const admin = { userPoolId: "acme", tokens: ["token"] };
  const auth = logout({ store, registry, appId: "shop", admin, logins: { providers: [idp] } });
  // Its peer is found. Without an SDK, nothing is published.
  const stop = instrument(auth);
  app.use(session({ store, secret: "s", resave: false, saveUninitialized: false }));
  app.use(auth);
  app.get("/in", (req, res, next) => {
    req.session.userId = "alice";
    req.session.save((error) => (error ? next(error) : res.end()));
  });
  app.get("/me", (req, res) => res.json({ user: req.session.userId ?? null }));
  const server = app.listen(0);
  await once(server, "listening");
  const origin = `http://localhost:${server.address().port}`;

  const login = async () => {
    const [cookie] = (await fetch(`${origin}/in`)).headers.getSetCookie();
    return { cookie: cookie.split(";")[0] };
  };
  const me = (headers) => fetch(`${origin}/me`, { headers });
  const [phone, laptop] = [await login(), await login()];
  assert.deepEqual(await (await me(phone)).json(), { user: "alice" });
  await assertPageWorks(origin, phone);

  commands.length = 0;
  assert.deepEqual(await auth.kick("alice", { reason: "why" }), { users: 1, logins: 2 });
  assert.deepEqual(commands, [], "the store is not recognized: the kick took its slow path");
  for (const headers of [phone, laptop]) {
    const rejected = await me(headers);
    assert.equal(rejected.status, 401);
    assert.deepEqual(await rejected.json(), { code: 401, message: "You have been logged out: why" });
    assert.deepEqual(await (await me(headers)).json(), { user: null });
  }
  // jose is found, in a bundle too.
  const tablet = await login();
  const body = new URLSearchParams({ logout_token: provider.logoutToken("alice") });
  assert.equal((await fetch(`${origin}/oidc/backchannel-logout`, { method: "POST", body })).status, 204);
  assert.equal((await me(tablet)).status, 401);
  provider.close();
  for (const Registry of [PostgresLoginRegistry, RedisLoginRegistry, SqliteLoginRegistry]) {
    assert.throws(() => new Registry({}), LogoutError);
  }
  stop();
  await auth.close();
  server.close();
  close();
  console.log(`${name}, ${place}: a kicked user is rejected`);
};
