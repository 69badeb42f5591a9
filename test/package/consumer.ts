import { DatabaseSync } from "node:sqlite";
import { metrics, trace } from "@opentelemetry/api";
import BetterSqlite3 from "better-sqlite3";
import { RedisStore } from "connect-redis";
import express from "express";
import session from "express-session";
import {
  logout,
  LogoutError,
  type AuditEntry,
  type KickResult,
  type Login,
  type LoginRegistry,
  type LogoutErrorCode,
  type LogoutOptions,
  type LogoutMiddleware,
} from "express-logout";
import { authing, type AccessKey, type AuthingOptions, type AuthingRoutes } from "express-logout/authing";
import { keycloakClaims, oidc, oktaClaims, type OidcConfiguration, type OidcOptions } from "express-logout/oidc";
import { instrument, type InstrumentOptions, type MeterProvider } from "express-logout/opentelemetry";
import { PostgresLoginRegistry } from "express-logout/postgres";
import { RedisLoginRegistry } from "express-logout/redis";
import type { EndTarget, KickRecord } from "express-logout/registry";
import { testRegistry, type RegistryUnderTest } from "express-logout/registry/testing";
import { SqliteLoginRegistry, type SqliteDatabase } from "express-logout/sqlite";
import { Cluster, Redis } from "ioredis";
import Libsql from "libsql";
import { Pool } from "pg";
import { createClient, createClientPool, createCluster, createSentinel } from "redis";

const client = await createClient().connect();
const registry: LoginRegistry = new RedisLoginRegistry({ client, prefix: "logins:", timeoutMs: 500 });
const pool = createClientPool();
await pool.connect();
const pooled: LoginRegistry = new RedisLoginRegistry({ client: pool });
const postgres = new PostgresLoginRegistry({ pool: new Pool(), schema: "auth", prefix: "logins_", timeoutMs: 500 });
await postgres.migrate();
export const onPostgres: LoginRegistry = postgres;
export const sql: string = PostgresLoginRegistry.migration({ prefix: "logins_" });
const nodes = [{ host: "127.0.0.1", port: 6379 }];
export const onEveryClient: LoginRegistry[] = [
  new RedisLoginRegistry({ client: createCluster({ rootNodes: [{ url: "redis://127.0.0.1" }] }), waitReplicas: 1 }),
  new RedisLoginRegistry({ client: createSentinel({ name: "main", sentinelRootNodes: nodes }) }),
  new RedisLoginRegistry({ client: new Redis({ lazyConnect: true }) }),
  new RedisLoginRegistry({ client: new Cluster(nodes, { lazyConnect: true }) }),
];
export const onEverySqlite: LoginRegistry[] = [
  new SqliteLoginRegistry({ database: "logins.db", prefix: "logins_", timeoutMs: 500, pollIntervalMs: 100 }),
  ...[new BetterSqlite3("logins.db"), new Libsql("logins.db"), new DatabaseSync("logins.db")].map(
    (database: SqliteDatabase) => new SqliteLoginRegistry({ database }),
  ),
  new SqliteLoginRegistry({ database: () => new BetterSqlite3("logins.db") }),
  new SqliteLoginRegistry({ database: () => new Libsql("logins.db") }),
  new SqliteLoginRegistry({ database: () => new DatabaseSync("logins.db") }),
];
const store = new RedisStore({ client });
const options: LogoutOptions = {
  store,
  registry,
  appId: "shop",
  userId: (data) => data.userId,
  pages: { describeUser: async (userId) => ({ name: userId }) },
  admin: {
    userPoolId: "acme",
    tokens: ["token", { name: "ci", sha256: "0".repeat(64), may: ["list"], until: new Date("2027-01-01") }],
    authorize: (req, { action, token }) => req.ip !== undefined && (action === "kick" || token === "ci"),
    routes: { activeUsers: false },
  },
  redirects: { allow: ["https://shop.example/bye"] },
  routes: { logout: ["/logout", "/sign-out"] },
  audit: { log: ({ action, by = "?" }: AuditEntry) => process.stdout.write(`${action} by ${by}\n`) },
  onRejected: (_req, res, _next, { reason }) => void res.status(401).send(reason ?? "kicked"),
};
const auth: LogoutMiddleware = logout(options);
const app = express().use(session({ store, secret: "s" }), auth, auth.guard);
export const withoutPages: LogoutOptions = { store, registry, appId: "shop", pages: { html: false } };
export const kickOnly: LogoutOptions = { store, registry, appId: "shop", routes: false };

declare const configuration: OidcConfiguration;
const events = { resolveSubject: async () => ["u1", 2], policy: (event: string) => event.endsWith("session-revoked") };
const metadata = { issuer: "https://idp.example", clientId: ["shop", "app"], jwksUri: "https://idp.example/jwks" };
export const ofProviders: OidcOptions[] = [
  { configuration, claims: keycloakClaims, idToken: () => undefined, securityEvents: events },
  { ...metadata, claims: oktaClaims, routes: { frontchannel: "/front" }, relax: { typ: true } },
];
export const federated: LogoutOptions = {
  store,
  registry,
  appId: "shop",
  logins: { providers: [oidc({ configuration, claims: () => ({ iss: "https://idp.example", sub: "u1" }) })] },
};
// @ts-expect-error -- a provider needs its keys
oidc({ issuer: "https://idp.example", clientId: "shop", claims: oktaClaims });

const accessKeys: AccessKey[] = [{ id: "acme", secret: "a secret of 16 bytes", may: ["list"] }];
const paths: AuthingRoutes = { logout: false, kickUsers: ["/kick", "/api/v3/kick-users"] };
const clients: AuthingOptions = { applications: [auth], userPoolId: "acme", accessKeys, routes: paths };
app.use(authing({ ...clients, rememberNonce: async (nonce, ttlMs) => nonce.length < ttlMs }));
// @ts-expect-error -- it needs the applications
authing({ userPoolId: "acme" });

const meterProvider: MeterProvider = metrics.getMeterProvider();
const providers: InstrumentOptions = { meterProvider, tracerProvider: trace.getTracerProvider() };
export const stops: (() => void)[] = [instrument(auth), instrument(auth, providers)];
instrument(auth, { tracerProvider: false });
// @ts-expect-error -- metrics cannot be switched off
instrument(auth, { meterProvider: false });

const { kick, listLogins } = auth;
const result: KickResult = await kick(["alice", 7], { reason: "why", by: "ops" });
const { items, total }: { readonly items: readonly Login[]; readonly total: number } = await listLogins("alice");
const counted: KickResult = await auth.kickWhere({ ip: "203.0.113.0/24", minLogins: 2 }, { dryRun: true });
await auth.kickWhere((login) => login.userId !== "root", {
  except: ["id"],
  signal: AbortSignal.timeout(counted.users),
});
auth.on("kick", ({ userId, loginIds }) => [userId, ...loginIds]);
auth.on("rejected", ({ loginId, userId = "?", cause, at }) => `${at.toISOString()} ${userId} ${loginId} ${cause}`);
app.get("/", async (req, res) => {
  const login = await auth.currentLogin(req);
  res.json({
    login,
    rejection: auth.rejection(req)?.reason,
    users: result.users,
    logins: total,
    ids: items.map(({ id }) => id),
  });
});
export const unfinished = (error: unknown): readonly string[] =>
  LogoutError.is(error, "ERR_KICK_INCOMPLETE") ? error.details.userIds : [];
export const codeOf = (error: unknown): LogoutErrorCode | undefined => (LogoutError.is(error) ? error.code : undefined);

// @ts-expect-error -- an option that there is not
logout({ store, appId: "shop", registry: pooled, userid: () => "alice" });
// @ts-expect-error -- a filter has these members alone
await auth.kickWhere({ country: "DE" });
// @ts-expect-error -- a promise would match every login
await auth.kickWhere(async () => true);
// @ts-expect-error -- a token has a digest
logout({ store, appId: "shop", admin: { userPoolId: "acme", tokens: [{ name: "ci" }] } });
// @ts-expect-error -- an option that is needed
logout({ store, registry: pooled });
// @ts-expect-error -- an unknown option in a group
logout({ store, appId: "shop", pages: { brand: "Acme" } });
// @ts-expect-error -- routes are left out one by one, or all
logout({ store, appId: "shop", routes: true });
// @ts-expect-error -- pages are HTML or not
logout({ store, appId: "shop", pages: { html: "no" } });
// @ts-expect-error -- a console needs authorize
logout({ store, appId: "shop", console: {} });
// @ts-expect-error -- a user id is no object
logout({ store, appId: "shop", userId: (data) => data.passport });
// @ts-expect-error -- and no promise
logout({ store, appId: "shop", userId: async (data) => data.userId });
// @ts-expect-error -- sessions have the properties that the app declares
logout({ store, appId: "shop", userId: (data) => data.customerId });
// @ts-expect-error -- only some errors have user ids
export const ids = (error: unknown) => LogoutError.is(error, "ERR_LOGIN_ENDED") && error.details.userIds;
// @ts-expect-error -- a session id never leaves the server
list[0]?.sids;
// @ts-expect-error -- no client
new RedisLoginRegistry({ client: "redis://localhost:6379" });
// @ts-expect-error -- no database
new SqliteLoginRegistry({ database: {} });
// @ts-expect-error -- a database is not opened later
new SqliteLoginRegistry({ database: async () => new DatabaseSync("logins.db") });

const record: KickRecord = { id: "kick", at: new Date(), cause: "kick" };
export const targets: EndTarget[] = [
  { kick: record, except: ["login"], everyone: true },
  { loginId: "login", kick: record },
  { loginId: "login" },
];
const underTest: RegistryUnderTest = { create: () => registry };
testRegistry("a registry", underTest, { describe: (_name, body) => body(), it: () => undefined });
