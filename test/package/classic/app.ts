import express from "express";
import session from "express-session";
import { logout, type LoginRegistry, type LogoutMiddleware } from "express-logout";
import { oidc, type IdTokenClaims } from "express-logout/oidc";
import { instrument } from "express-logout/opentelemetry";
import { PostgresLoginRegistry } from "express-logout/postgres";
import { RedisLoginRegistry } from "express-logout/redis";
import { SqliteLoginRegistry } from "express-logout/sqlite";
import type { AddResult, NewLogin } from "express-logout/registry";
import { testRegistry } from "express-logout/registry/testing";
import { Pool } from "pg";
import { Redis } from "ioredis";
import Database from "libsql";

export const registries: LoginRegistry[] = [
  new RedisLoginRegistry({ client: new Redis({ lazyConnect: true }) }),
  new PostgresLoginRegistry({ pool: new Pool() }),
  new SqliteLoginRegistry({ database: new Database("logins.db") }),
];
export const listed = (registry: LoginRegistry, login: NewLogin): Promise<AddResult> => registry.add(login);
export const suite: typeof testRegistry = testRegistry;
const store = new session.MemoryStore();
const claims = (): IdTokenClaims | undefined => undefined;
const provider = oidc({ issuer: "https://idp.example", clientId: "shop", jwksUri: "https://idp.example/jwks", claims });
const auth: LogoutMiddleware = logout({ store, appId: "shop", logins: { providers: [provider] } });
express().use(session({ store, secret: "s" }), auth, auth.guard);
export const stop: () => void = instrument(auth);

// @ts-expect-error -- types are found: an option that there is not
logout({ store, appId: "shop", userid: () => "alice" });
// @ts-expect-error -- and so are those of the entry points
new RedisLoginRegistry({ client: "redis://localhost:6379" });
