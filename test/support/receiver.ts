import { afterEach } from "@jest/globals";
import express from "express";
import type { RequestHandler } from "express";
import type { HandlerContext, HttpContext } from "../../lib/http/context.js";
import { handle } from "../../lib/http/error-handler.js";
import type { KickResult } from "../../lib/logins/kick-options.js";
import { PROVIDER, type LoginProvider } from "../../lib/types/login-provider.js";
import type { LoginKey } from "../../lib/types/login-keys.js";
import { serve } from "./http.js";
import { handlerContext } from "./route-request.js";

/** A call that a receiver has made. */
export interface Kicked {
  readonly key?: LoginKey;
  readonly userIds?: readonly unknown[];
  readonly options: Readonly<Record<string, unknown>>;
}

export interface ReceiverSite {
  readonly url: string;
  readonly kicks: Kicked[];
  /** What a kick does in place of its work. */
  instead: (() => Promise<KickResult>) | undefined;
}

/** Opens apps that have the routes of a provider, and write down what these end. */
export function useReceivers(): (provider: LoginProvider, before?: readonly RequestHandler[]) => Promise<ReceiverSite> {
  const servers: { close: () => Promise<void> }[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });
  return async (provider, before = []) => {
    const kicks: Kicked[] = [];
    const note = (kicked: Kicked): Promise<KickResult> => {
      kicks.push(kicked);
      return site.instead === undefined ? Promise.resolve({ users: 1, logins: 1 }) : site.instead();
    };
    const logins = {
      kickByKey: (key: LoginKey, options: Kicked["options"]) => note({ key, options }),
      kick: (userIds: readonly unknown[], options: Kicked["options"]) => note({ userIds, options }),
    } as unknown as HandlerContext["logins"];
    const mounts = { of: () => "" };
    const context = { ...handlerContext(), logins, mounts } as unknown as HttpContext;
    const app = express();
    for (const middleware of before) app.use(middleware);
    for (const route of provider[PROVIDER].routes) {
      for (const path of route.paths(context.options)) app[route.method](path, handle(context, route));
    }
    const server = await serve(app);
    servers.push(server);
    const site: ReceiverSite = { url: server.url, kicks, instead: undefined };
    return site;
  };
}
