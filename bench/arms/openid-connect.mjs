// express-openid-connect with its sessions in Redis: with its default look-ups of back-channel logouts, or without them.
import { RedisStore } from "connect-redis";
import express from "express";
import openid from "express-openid-connect";
import { createClient } from "redis";
import { cookieOf, runArm } from "../support/arm.mjs";
import { startOpenIdProvider } from "../support/openid-provider.mjs";

await runArm(async ({ redisPort, prefix, lookUps }) => {
  const client = await createClient({ url: `redis://127.0.0.1:${redisPort}` }).connect();
  const provider = await startOpenIdProvider();
  const app = express();
  // It wants to know its own address, which there is only once it listens.
  let origin;
  const ready = (address) => {
    origin = address;
    const store = new RedisStore({ client, prefix });
    app.use(
      openid.auth({
        authRequired: false,
        issuerBaseURL: provider.issuer,
        baseURL: origin,
        clientID: provider.clientId,
        secret: "only for the bench, and long enough for it",
        session: { store },
        backchannelLogout: lookUps,
      }),
    );
    app.get("/me", (req, res) => {
      res.end(req.oidc.isAuthenticated() ? req.oidc.user.sub : "anonymous");
    });
    app.get("/write", (req, res) => {
      req.appSession.visits = (req.appSession.visits ?? 0) + 1;
      res.end(req.oidc.user.sub);
    });
  };

  const post = (path, fields, cookie = "") =>
    fetch(origin + path, {
      method: "POST",
      body: new URLSearchParams(fields),
      headers: { cookie },
      redirect: "manual",
    });
  const logIn = async (user) => {
    const sent = await fetch(`${origin}/login`, { redirect: "manual" });
    const asked = new URL(sent.headers.get("location")).searchParams;
    const idToken = await provider.idToken(user, asked.get("nonce"));
    const back = await post("/callback", { id_token: idToken, state: asked.get("state") }, cookieOf(sent));
    if (back.status !== 302) throw new Error(`The login was answered ${back.status}: ${await back.text()}`);
    return /appSession=[^;]+/.exec(cookieOf(back))[0];
  };
  const kick = async (user) => {
    const { status } = await post("/backchannel-logout", { logout_token: await provider.logoutToken(user) });
    if (status !== 204) throw new Error(`The back-channel logout was answered ${status}.`);
  };
  return { app, ready, logIn, kick };
});
