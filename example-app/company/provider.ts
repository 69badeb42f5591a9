// The company's identity provider, for `npm run start:oidc`: oidc-provider with the accounts of the demo, all in memory.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Server } from "node:http";
import express, { type Express } from "express";
import Provider, { type Configuration } from "oidc-provider";
import { COMPANY_CLIENT } from "../config.js";
import { authenticate } from "../users.js";
import { consentToOwnApps } from "./consent.js";
import { companyLoginPage, companyLogoutPage, loggedOutPage } from "./pages.js";

const HOUR_S = 3_600;

export interface ProviderOptions {
  readonly port: number;
  readonly shopOrigin: string;
  /** Sends the provider's requests: logout tokens. Default: `fetch`. */
  readonly send?: typeof fetch;
}

/** Starts the identity provider. Resolves when it listens. */
export async function startProvider(options: ProviderOptions): Promise<{ issuer: string; server: Server }> {
  const issuer = `http://localhost:${String(options.port)}`;
  const server = createProviderApp(new Provider(issuer, configure(options))).listen(options.port);
  await once(server, "listening");
  return { issuer, server };
}

function configure({ shopOrigin, send = fetch }: ProviderOptions): Configuration {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  return {
    clients: [
      {
        client_id: COMPANY_CLIENT.id,
        client_secret: COMPANY_CLIENT.secret,
        redirect_uris: [`${shopOrigin}/login/company/callback`],
        post_logout_redirect_uris: [`${shopOrigin}/login/profile/logout/return`],
        backchannel_logout_uri: `${shopOrigin}/oidc/backchannel-logout`,
        // Without it, logout tokens have no `sid`: a logout would end all logins of the user.
        backchannel_logout_session_required: true,
      },
    ],
    jwks: { keys: [privateKey.export({ format: "jwk" })] },
    cookies: { keys: [randomBytes(32).toString("base64url")] },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    interactions: { url: (_ctx, { uid }) => `/login/${uid}` },
    loadExistingGrant: consentToOwnApps,
    ttl: { AccessToken: HOUR_S, IdToken: HOUR_S, Interaction: HOUR_S, Session: 8 * HOUR_S, Grant: 8 * HOUR_S },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => void (ctx.body = companyLogoutPage(form, shopOrigin)),
        postLogoutSuccessSource: (ctx) => void (ctx.body = loggedOutPage(shopOrigin)),
      },
    },
    // oidc-provider's own dispatcher refuses addresses of this machine, where the shop is.
    fetch: (url, init) => {
      const { dispatcher: _refusing, ...rest } = { dispatcher: undefined, ...init };
      return send(url, rest);
    },
  };
}

function createProviderApp(provider: Provider): Express {
  const app = express();
  app.disable("x-powered-by");
  app.get("/login/:uid", async (req, res) => {
    const { uid } = await provider.interactionDetails(req, res);
    res.send(companyLoginPage({ action: `/login/${uid}`, failed: false }));
  });
  app.post("/login/:uid", express.urlencoded({ extended: false }), async (req, res) => {
    const { uid } = await provider.interactionDetails(req, res);
    const { username, password } = (req.body ?? {}) as Record<string, unknown>;
    const user = await authenticate(username, password);
    if (user === undefined) {
      res.status(401).send(companyLoginPage({ action: `/login/${uid}`, failed: true }));
      return;
    }
    await provider.interactionFinished(req, res, { login: { accountId: user.id } });
  });
  app.use(provider.callback());
  return app;
}
