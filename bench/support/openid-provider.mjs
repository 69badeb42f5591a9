import { generateKeyPairSync, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { exportJWK, SignJWT } from "jose";

const CLIENT_ID = "bench";

/** As much of an OpenID provider as an arm needs to log users in and out: it signs tokens, and publishes its key. */
export async function startOpenIdProvider() {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = { ...(await exportJWK(publicKey)), kid: "bench", alg: "RS256", use: "sig" };
  const pages = {
    "/.well-known/openid-configuration": () => ({
      issuer,
      authorization_endpoint: `${issuer}authorize`,
      jwks_uri: `${issuer}keys`,
      response_types_supported: ["id_token"],
      response_modes_supported: ["form_post"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["RS256"],
    }),
    "/keys": () => ({ keys: [key] }),
  };
  const server = createServer((req, res) => {
    res.setHeader("Content-Type", "application/json");
    res.end(JSON.stringify(pages[req.url]?.() ?? {}));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const issuer = `http://127.0.0.1:${server.address().port}/`;
  const sign = (claims, typ, lifetime = "2h") =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: "RS256", kid: "bench", typ })
      .setIssuer(issuer)
      .setAudience(CLIENT_ID)
      .setIssuedAt()
      .setExpirationTime(lifetime)
      .sign(privateKey);
  return {
    close: () => {
      server.close();
      server.closeAllConnections();
    },
    issuer,
    jwksUri: `${issuer}keys`,
    clientId: CLIENT_ID,
    idToken: (user, nonce) => sign({ sub: user, sid: randomUUID(), nonce }, "JWT"),
    logoutToken: (user, { sid, lifetime } = {}) =>
      sign(
        { sub: user, sid, jti: randomUUID(), events: { "http://schemas.openid.net/event/backchannel-logout": {} } },
        "logout+jwt",
        lifetime,
      ),
  };
}
