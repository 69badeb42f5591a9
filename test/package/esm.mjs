import express from "express";
import session from "express-session";
import { logout, LogoutError } from "express-logout";
import { PostgresLoginRegistry } from "express-logout/postgres";
import { RedisLoginRegistry } from "express-logout/redis";
import road from "./road.cjs";

await road("ESM", { express, session, logout, LogoutError, PostgresLoginRegistry, RedisLoginRegistry });
