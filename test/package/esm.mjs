import { RedisStore } from "connect-redis";
import express from "express";
import session from "express-session";
import { logout, LogoutError } from "express-logout";
import { PostgresLoginRegistry } from "express-logout/postgres";
import { RedisLoginRegistry } from "express-logout/redis";
import { createClient } from "redis";
import journey from "./journey.cjs";

const parts = { express, session, logout, LogoutError, PostgresLoginRegistry, RedisLoginRegistry };
// No `await` here: bundles in CommonJS have none at the top.
void journey("ESM", { ...parts, RedisStore, createClient });
