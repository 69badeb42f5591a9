// better-auth: its own sessions, read with getSession, in Redis as its secondary storage.
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { fromNodeHeaders, toNodeHandler } from "better-auth/node";
import { admin } from "better-auth/plugins";
import express from "express";
import { createClient } from "redis";
import { cookieOf, runArm } from "../support/arm.mjs";

const PASSWORD = "only for the bench";

await runArm(async ({ redisPort, prefix }) => {
  const client = await createClient({ url: `redis://127.0.0.1:${redisPort}` }).connect();
  const secondaryStorage = {
    get: (key) => client.get(prefix + key),
    set: (key, value, ttl) => client.set(prefix + key, value, ttl ? { EX: ttl } : undefined),
    delete: async (key) => {
      await client.del(prefix + key);
    },
  };
  const auth = betterAuth({
    secret: "only for the bench, and long enough for it",
    baseURL: "http://127.0.0.1",
    trustedOrigins: ["http://127.0.0.1:*"],
    logger: { disabled: true },
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    database: memoryAdapter({ user: [], session: [], account: [], verification: [] }),
    secondaryStorage,
    // Passwords are not what is measured.
    emailAndPassword: {
      enabled: true,
      password: {
        hash: (password) => Promise.resolve(password),
        verify: ({ hash, password }) => Promise.resolve(hash === password),
      },
    },
    plugins: [admin()],
  });
  const app = express();
  app.all("/api/auth/*splat", toNodeHandler(auth));
  app.get("/me", async (req, res) => {
    const session = await auth.api.getSession({ headers: fromNodeHeaders(req.headers) });
    res.end(session?.user.name ?? "anonymous");
  });

  const ids = new Map();
  const logIn = async (user) => {
    const credentials = { email: `${user}@example.com`, password: PASSWORD };
    if (!ids.has(user)) {
      const signedUp = await auth.api.signUpEmail({ body: { ...credentials, name: user } });
      ids.set(user, signedUp.user.id);
    }
    return cookieOf(await auth.api.signInEmail({ body: credentials, asResponse: true }));
  };
  let adminCookie;
  const administrator = async () => {
    if (adminCookie === undefined) {
      adminCookie = await logIn("admin");
      const context = await auth.$context;
      await context.internalAdapter.updateUser(ids.get("admin"), { role: "admin" });
      adminCookie = await logIn("admin");
    }
    return adminCookie;
  };
  const kick = async (users) => {
    const headers = { cookie: await administrator() };
    for (const user of [users].flat()) await auth.api.revokeUserSessions({ body: { userId: ids.get(user) }, headers });
  };
  /** So many sessions of a user, written as it writes them: logging in a hundred thousand times would take too long. */
  const addSessions = async (user, count) => {
    await logIn(user);
    const listKey = `active-sessions-${ids.get(user)}`;
    const [{ token, expiresAt }] = JSON.parse(await secondaryStorage.get(listKey)).slice(-1);
    const value = await secondaryStorage.get(token);
    const tokens = Array.from({ length: count }, (_value, index) => `${index}-`.padEnd(token.length, "x"));
    await Promise.all(tokens.map((copy) => secondaryStorage.set(copy, value.replaceAll(token, copy), 86_400)));
    await secondaryStorage.set(listKey, JSON.stringify(tokens.map((copy) => ({ token: copy, expiresAt }))), 86_400);
  };
  const countSessions = async (user) =>
    (await auth.$context).internalAdapter.listSessions(ids.get(user)).then((list) => list.length);
  await administrator();
  return { app, logIn, kick, addSessions, countSessions };
});
