const express = require("express");
const session = require("express-session");
const { logout, LogoutError } = require("express-logout");
const { PostgresLoginRegistry } = require("express-logout/postgres");
const { RedisLoginRegistry } = require("express-logout/redis");
const road = require("./road.cjs");

road("CommonJS", { express, session, logout, LogoutError, PostgresLoginRegistry, RedisLoginRegistry });
