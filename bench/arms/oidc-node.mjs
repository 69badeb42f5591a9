// An app on Redis whose users come from an identity provider.
import { RedisStore } from "connect-redis";
import express from "express";
import session from "express-session";
import { logout } from "express-logout";
import { oidc } from "express-logout/oidc";
import { RedisLoginRegistry } from "express-logout/redis";
import { createClient } from "redis";
import { runArm } from "../support/arm.mjs";
import { addPages } from "../support/pages.mjs";

await runArm(async ({ redisPort, issuer, jwksUri, clientId }) => {
  const client = await createClient({ url: `redis://127.0.0.1:${redisPort}` }).connect();
  const store = new RedisStore({ client, prefix: "sessions:" });
  const registry = new RedisLoginRegistry({ client, prefix: "logins:" });
  const provider = oidc({ issuer, jwksUri, clientId, claims: ({ claims }) => claims });
  const auth = logout({ store, registry, appId: "bench", logins: { max: Infinity, providers: [provider] } });
  const sessions = session({ store, secret: "bench", resave: false, saveUninitialized: false });
  const app = express().use(auth.sessionlessRoutes, sessions, auth);
  app.get("/company-log-in", (req, res) => {
    const { sub, sid, iat } = req.query;
    Object.assign(req.session, { userId: sub, claims: { iss: issuer, sub, sid, iat: Number(iat) } });
    res.end();
  });
  addPages(app);
  return { app };
});
