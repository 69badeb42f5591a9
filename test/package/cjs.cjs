const { RedisStore } = require("connect-redis");
const express = require("express");
const session = require("express-session");
const { logout, LogoutError } = require("express-logout");
const { PostgresLoginRegistry } = require("express-logout/postgres");
const { RedisLoginRegistry } = require("express-logout/redis");
const { createClient } = require("redis");
const journey = require("./journey.cjs");

const parts = { express, session, logout, LogoutError, PostgresLoginRegistry, RedisLoginRegistry };
void journey("CommonJS", { ...parts, RedisStore, createClient });
