import { RedisStore } from "connect-redis";
import express from "express";
import session from "express-session";
import { logout, LogoutError } from "express-logout";
import { oidc } from "express-logout/oidc";
import { instrument } from "express-logout/opentelemetry";
import { PostgresLoginRegistry } from "express-logout/postgres";
import { RedisLoginRegistry } from "express-logout/redis";
import { SqliteLoginRegistry } from "express-logout/sqlite";
import { createClient } from "redis";
import journey from "./journey.cjs";

const registries = { PostgresLoginRegistry, RedisLoginRegistry, SqliteLoginRegistry };
// No `await` here: bundles in CommonJS have none at the top.
void journey("ESM", {
  express,
  session,
  logout,
  LogoutError,
  instrument,
  oidc,
  ...registries,
  RedisStore,
  createClient,
});
