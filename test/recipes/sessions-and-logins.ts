import type { Express } from "express";
import session, { type Store } from "express-session";
import { logout, type LoginRegistry } from "express-logout";

/** Sessions in one place, and the list of their logins in another. */
export function sessionsAndLogins(app: Express, store: Store, registry: LoginRegistry, secret: string) {
  const auth = logout({ store, registry, appId: "shop" });
  app.use(session({ store, secret, resave: false, saveUninitialized: false }));
  app.use(auth);
  return auth;
}
