// express and express-session alone: what every other arm is compared with.
import express from "express";
import session from "express-session";
import { runArm } from "../support/arm.mjs";
import { addPages, destroySessionsOf } from "../support/pages.mjs";
import { openPlace } from "../support/places.mjs";

await runArm(async (settings) => {
  const { store } = await openPlace(settings);
  const app = express();
  app.use(session({ store, secret: "bench", resave: false, saveUninitialized: false }));
  if (settings.emptyMiddleware) app.use((req, res, next) => next());
  addPages(app);
  const kick = (userIds) => {
    const kicked = new Set([userIds].flat());
    return destroySessionsOf(store, ({ userId }) => kicked.has(userId));
  };
  return { app, kick, kickAll: () => destroySessionsOf(store, ({ userId }) => userId !== undefined) };
});
