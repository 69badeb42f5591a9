const { RedisStore } = require("connect-redis");
const express = require("express");
const session = require("express-session");
const { logout, LogoutError } = require("express-logout");
const { PostgresLoginRegistry } = require("express-logout/postgres");
const { RedisLoginRegistry } = require("express-logout/redis");
const { createClient } = require("redis");
const road = require("./road.cjs");

const parts = { express, session, logout, LogoutError, PostgresLoginRegistry, RedisLoginRegistry };
void road("CommonJS", { ...parts, RedisStore, createClient });
