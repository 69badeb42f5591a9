// What every consumer of the package tries: a user logs in, is kicked, and is refused.
const assert = require("node:assert/strict");
const { once } = require("node:events");

module.exports = async function road(name, { express, session, logout, LogoutError, ...registries }) {
  const app = express();
  const store = new session.MemoryStore();
  const auth = logout({ store, appId: "shop", userPoolId: "acme", admin: { tokens: ["token"] } });
  app.use(session({ store, secret: "s", resave: false, saveUninitialized: false }));
  app.use(auth);
  app.get("/login", (req, res) => {
    req.session.userId = "alice";
    res.end();
  });
  app.get("/me", (req, res) => res.json({ user: req.session.userId ?? null }));
  const server = app.listen(0);
  await once(server, "listening");
  const origin = `http://localhost:${server.address().port}`;

  const [cookie] = (await fetch(`${origin}/login`)).headers.getSetCookie();
  const me = () => fetch(`${origin}/me`, { headers: { cookie: cookie.split(";")[0] } });
  assert.deepEqual(await (await me()).json(), { user: "alice" });
  assert.deepEqual(await auth.kick("alice", { reason: "why" }), { users: 1, logins: 1 });
  const refused = await me();
  assert.equal(refused.status, 401);
  assert.deepEqual(await refused.json(), { code: 401, message: "You have been logged out: why" });
  assert.deepEqual(await (await me()).json(), { user: null });
  for (const Registry of Object.values(registries)) assert.throws(() => new Registry({}), LogoutError);
  server.close();
  console.log(`${name}: a kicked user is refused`);
};
