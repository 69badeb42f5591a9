const { RedisStore } = require("connect-redis");
const express = require("express");
const session = require("express-session");
const { logout, LogoutError } = require("express-logout");
const { oidc } = require("express-logout/oidc");
const { instrument } = require("express-logout/opentelemetry");
const { PostgresLoginRegistry } = require("express-logout/postgres");
const { RedisLoginRegistry } = require("express-logout/redis");
const { SqliteLoginRegistry } = require("express-logout/sqlite");
const { createClient } = require("redis");
const journey = require("./journey.cjs");

const registries = { PostgresLoginRegistry, RedisLoginRegistry, SqliteLoginRegistry };
void journey("CommonJS", {
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
