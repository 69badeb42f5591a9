import { afterEach, jest } from "@jest/globals";
import express from "express";
import type { RequestHandler } from "express";
import session, { MemoryStore } from "express-session";
import { logout } from "../../lib/index.js";
import type { KickResult } from "../../lib/logins/kick-options.js";
import { Logins } from "../../lib/logins/logins.js";
import type { LoginProvider } from "../../lib/types/login-provider.js";
import { serve } from "./http.js";

/** A call that a receiver has made. */
export interface Kicked {
  readonly key?: unknown;
  readonly userIds?: unknown;
  readonly options: Readonly<Record<string, unknown>>;
}

export interface ReceiverSite {
  readonly url: string;
  readonly kicks: Kicked[];
  /** What a kick does in place of its work. */
  instead: (() => Promise<KickResult>) | undefined;
}

/** Opens apps with a provider, and writes down what its receivers end. */
export function useReceivers(): (provider: LoginProvider, before?: readonly RequestHandler[]) => Promise<ReceiverSite> {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    await Promise.all(closing.splice(0).map((close) => close()));
    jest.restoreAllMocks();
  });
  return async (provider, before = []) => {
    const store = new MemoryStore();
    const auth = logout({ store, appId: "shop", logins: { providers: [provider] } });
    const app = express();
    for (const middleware of before) app.use(middleware);
    app.use(auth.sessionlessRoutes);
    app.use(session({ store, secret: "s", resave: false, saveUninitialized: true }), auth);
    const server = await serve(app);
    closing.push(async () => {
      await server.close();
      await auth.close();
    });
    const site: ReceiverSite = { url: server.url, kicks: [], instead: undefined };
    // eslint-disable-next-line @typescript-eslint/unbound-method -- called with the instance below
    const { kickByKey, kick } = Logins.prototype;
    jest.spyOn(Logins.prototype, "kickByKey").mockImplementation(function (this: Logins, key, options = {}) {
      site.kicks.push({ key, options: { ...options } });
      return site.instead === undefined ? kickByKey.call(this, key, options) : site.instead();
    });
    jest.spyOn(Logins.prototype, "kick").mockImplementation(function (this: Logins, userIds, options = {}) {
      site.kicks.push({ userIds, options: { ...options } });
      return kick.call(this, userIds, options);
    });
    return site;
  };
}
