import { collectStderr } from "../../support/debugging.js";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { oidc } from "../../../lib/oidc/index.js";
import { RULES, type Rule } from "../../../lib/oidc/refusal.js";
import { createKey, IdentityProvider, type Claims, type Key } from "../../support/identity-provider.js";
import { useReceivers } from "../../support/receiver.js";

const PATHS = {
  backchannel: "/oidc/backchannel-logout",
  securityEvents: "/oidc/security-events",
  tokenRevocation: "/oidc/token-revocation",
};
const IDS: Claims = { sub: "subject-4711", sid: "session-0815", jti: "token-1234" };
type Receiver = keyof typeof PATHS;

const open = useReceivers();
let idp: IdentityProvider;
let stranger: Key;
beforeAll(async () => {
  idp = await IdentityProvider.start();
  stranger = await createKey("first");
});
afterAll(() => idp.close());

async function send(url: string, receiver: Receiver, token: string): Promise<number> {
  const requests: Readonly<Record<Receiver, readonly [string, string, Record<string, string>?]>> = {
    backchannel: [`logout_token=${token}`, "application/x-www-form-urlencoded"],
    securityEvents: [token, "application/secevent+jwt"],
    tokenRevocation: ["{}", "application/json", { Authorization: `Bearer ${token}` }],
  };
  const [body, type, more] = requests[receiver];
  const headers = { "Content-Type": type, ...more };
  return (await fetch(url + PATHS[receiver], { method: "POST", body, headers })).status;
}

describe("with DEBUG=express-logout*, a refused token", () => {
  it.each<[Receiver, Rule, () => Promise<string>]>([
    ["backchannel", "typ", () => idp.logoutToken(IDS, { typ: "type-of-a-token" })],
    ["backchannel", "signature", () => idp.logoutToken(IDS, {}, stranger)],
    ["backchannel", "key", () => idp.logoutToken(IDS, { kid: "key-of-a-token" })],
    ["backchannel", "iss", () => idp.logoutToken({ ...IDS, iss: "https://evil.example" })],
    ["backchannel", "aud", () => idp.logoutToken({ ...IDS, aud: "client-of-a-token" })],
    ["backchannel", "nonce", () => idp.logoutToken({ ...IDS, nonce: "nonce-of-a-token" })],
    ["backchannel", "shape", async () => (await idp.logoutToken(IDS)).replace(/\.[^.]+$/, ".")],
    ["securityEvents", "aud", () => idp.logoutToken({ ...IDS, aud: "client-of-a-token" }, { typ: "secevent+jwt" })],
    ["tokenRevocation", "aud", () => idp.logoutToken(IDS, { typ: "global-token-revocation+jwt" })],
  ])("of %s writes a line that names the rule %s, and nothing of the token", async (receiver, rule, make) => {
    const { issuer, jwksUri } = idp;
    const site = await open(
      oidc({
        ...{ issuer, jwksUri, clientId: "shop", claims: () => undefined, securityEvents: {} },
        postLogoutRedirectUri: "https://shop.example/bye",
        routes: { tokenRevocation: PATHS.tokenRevocation },
      }),
    );
    const token = await make();
    const stderr = collectStderr();
    const status = await send(site.url, receiver, token);
    stderr.stop();
    const lines = stderr.text().split("\n");
    const words = `express-logout oidc(): a request of a provider was refused: ${rule}: ${RULES[rule]}`;
    expect([status, lines.filter((line) => line.endsWith(` ${words}`))]).toEqual([
      receiver === "tokenRevocation" ? 401 : 400,
      [expect.anything()],
    ]);
    const parts = token.split(".").filter((part) => part !== "");
    const texts = [...Object.values(IDS).map(String), "-of-a-token", "evil.example", issuer, ...parts];
    for (const text of texts) expect(stderr.text()).not.toContain(text);
  });
});
