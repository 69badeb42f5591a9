// An app that logs users in by one client package, and its identity provider, in a process of their own: oidc-provider and
// openid-client are ESM only, which Jest does not load. Bundled by the test; the packages are the installed ones.
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { setImmediate } from "node:timers/promises";
import express, { type Express, type Request } from "express";
import { MemoryStore, type Store } from "express-session";
import type { LogoutMiddleware } from "express-logout";
import * as openid from "openid-client";
import { keycloakConnect } from "../../../recipes/oidc-keycloak.js";
import { oktaMiddleware } from "../../../recipes/oidc-okta.js";
import { openidClient } from "../../../recipes/oidc-openid-client.js";
import { passportOpenIdConnect } from "../../../recipes/oidc-passport.js";
import type { Gate } from "../../../support/gate.js";
import { Holdable } from "../../../support/holdable.js";
import { createProvider, DIALECTS, PORTAL, SHOP, type Dialect } from "./provider.js";

const SECRET = "a secret of the tests";

interface App {
  readonly app: Express;
  readonly store: Store;
  readonly shop: string;
  readonly idp: string;
  readonly client: typeof SHOP;
}

interface Package {
  readonly dialect: Dialect;
  readonly callback: string;
  /** Adds the recipe to the app. */
  readonly add: (app: App) => LogoutMiddleware | Promise<LogoutMiddleware>;
  /** Whether two apps can share a process. With passport they would share its strategies. */
  readonly canShareProcess?: boolean;
  /** The user, as the package itself sees them. */
  readonly userOf: (req: Request) => unknown;
}

const PACKAGES: Readonly<Record<string, Package>> = {
  "openid-client": {
    dialect: "plain",
    callback: "/login/callback",
    add: async ({ app, store, shop, idp, client }) => {
      const configuration = await openid.discovery(new URL(idp), client.id, client.secret, undefined, {
        // eslint-disable-next-line @typescript-eslint/no-deprecated -- It is marked so as a warning: there is no HTTPS here.
        execute: [openid.allowInsecureRequests],
      });
      return openidClient(app, store, SECRET, shop, configuration);
    },
    canShareProcess: true,
    userOf: (req) => req.session.userId,
  },
  "passport-openidconnect": {
    dialect: "plain",
    callback: "/login/callback",
    add: ({ app, store, shop, idp, client }) => {
      const options = {
        issuer: idp,
        authorizationURL: `${idp}/auth`,
        tokenURL: `${idp}/token`,
        userInfoURL: `${idp}/me`,
        clientID: client.id,
        clientSecret: client.secret,
        callbackURL: `${shop}/login/callback`,
      };
      const more = { jwksUri: `${idp}/jwks`, endSessionEndpoint: `${idp}/session/end` };
      return passportOpenIdConnect(app, store, SECRET, options, more);
    },
    userOf: (req) => (req.user as { claims?: { sub: string } } | undefined)?.claims?.sub,
  },
  "@okta/oidc-middleware": {
    dialect: "okta",
    callback: "/authorization-code/callback",
    add: ({ app, store, shop, idp, client }) => {
      const options = { appBaseUrl: shop, issuer: idp, client_id: client.id, client_secret: client.secret };
      const testing = { disableHttpsCheck: true };
      return oktaMiddleware(app, store, SECRET, { ...options, testing }, (error) => {
        process.stderr.write(`${String(error)}\n`);
      });
    },
    userOf: (req) => req.userContext?.userinfo.sub,
  },
  "keycloak-connect": {
    dialect: "keycloak",
    callback: "/login?auth_callback=1",
    add: ({ app, store, shop, idp, client }) => {
      const [url = "", realm = ""] = idp.split("/realms/");
      const config = { "auth-server-url": url, realm, resource: client.id, credentials: { secret: client.secret } };
      const rest = { "confidential-port": 0, "ssl-required": "none" };
      return keycloakConnect(app, store, SECRET, shop, { ...config, ...rest });
    },
    userOf: (req) => {
      const { kauth } = req as { kauth?: { grant?: { id_token?: { content: { sub: string } } } } };
      return kauth?.grant?.id_token?.content.sub;
    },
  },
};

async function listen(host = "localhost"): Promise<{ server: Server; origin: string }> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, origin: `http://${host}:${String((server.address() as AddressInfo).port)}` };
}

/** Opens an app that logs its users in by a package. */
async function openApp({ add, userOf }: Package, server: Server, own: Omit<App, "app">): Promise<LogoutMiddleware> {
  const app = express();
  const auth = await add({ ...own, app });
  app.get("/me", (req, res) => res.json({ user: userOf(req) ?? null }));
  app.get("/cookie", (req, res) => res.json(/connect\.sid=[^;]*/.exec(req.headers.cookie ?? "")?.[0]));
  app.get("/", (_req, res) => res.send("the shop"));
  app.get("/logins/:user", async (req, res) => res.json((await auth.listLogins(req.params.user)).total));
  server.on("request", app);
  return auth;
}

const used = PACKAGES[process.argv[2] ?? ""];
if (used === undefined) throw new Error("There is no such package.");
const { dialect, callback } = used;
// The portal has another host, because cookies ignore ports.
const [shop, portal, idp] = [await listen(), await listen("127.0.0.1"), await listen()];
const apps = [
  { client: SHOP, origin: shop.origin, callback },
  { client: PORTAL, origin: portal.origin, callback },
] as const;
const options = { origin: idp.origin, dialect, apps };
const { issuer, handle, tokens, revoke, rotateKeys } = createProvider(options);
const atIdp = express();
atIdp.use(DIALECTS[dialect].path, handle);
idp.server.on("request", atIdp);

const sessions = new Holdable(new MemoryStore());
await openApp(used, shop.server, { store: sessions.store, shop: shop.origin, idp: issuer, client: SHOP });
if (used.canShareProcess === true)
  await openApp(used, portal.server, { store: new MemoryStore(), shop: portal.origin, idp: issuer, client: PORTAL });

const open = new Set<ServerResponse>();
shop.server.on("request", (_req, res) => {
  open.add(res);
  res.once("close", () => open.delete(res));
});

let gate: Gate | undefined;
/** Receivers ask for keys that they do not know at most once in this time. */
const KEYS_COOL_DOWN_MS = 30_000;
/** Orders of the test: `hold save`, `hold tokens`, `open`, `revoke alice`, `rotate keys`. */
async function obey(order: string): Promise<void> {
  const [what = "", more = ""] = order.split(" ");
  if (what === "open") {
    gate?.open();
    while (open.size > 0) await setImmediate();
    process.send?.("idle");
  } else if (what === "revoke") process.send?.(await revoke(more));
  else if (what === "rotate") {
    const { now } = Date;
    Date.now = () => now() + KEYS_COOL_DOWN_MS + 1_000;
    rotateKeys();
    process.send?.("rotated");
  } else {
    gate = more === "save" ? sessions.hold("set", "before") : tokens.next();
    process.send?.("holding");
    await gate.reached;
    process.send?.([...open].some(({ headersSent }) => headersSent) ? "reached, browser follows" : "reached");
  }
}
process.on("message", (order) => void obey(String(order)));
process.once("disconnect", () => process.exit());
const endSession = issuer + DIALECTS[dialect].routes.end_session;
process.send?.({ shop: shop.origin, portal: portal.origin, idp: idp.origin, endSession });
