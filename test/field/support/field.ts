import type { Server } from "node:http";
import { afterAll, afterEach } from "@jest/globals";
import { serve } from "../../support/http.js";
import { installed, tried, type Tried } from "../../support/tried.js";
import { Device } from "./device.js";
import { logInByForm } from "./journey.js";
import { createShop, type Parts, type Shop } from "./shop.js";

/** Set by the project in the configuration of Jest. */
declare const EXPRESS_MAJOR: string;

export const isExpress4 = (): boolean => EXPRESS_MAJOR === "4";

export interface OpenShop extends Shop {
  readonly url: string;
  /** A device on which this user has logged in by the app's form. */
  readonly device: (user: string) => Promise<Device>;
}

/** Opens apps for the tests of one file, and closes them after each test. */
export function useShops(): (parts?: Parts, attach?: (server: Server, shop: Shop) => void) => Promise<OpenShop> {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    await Promise.all(closing.splice(0).map((close) => close()));
  });
  return async (parts, attach) => {
    const shop = createShop(parts);
    const server = await serve(shop.app, (created) => attach?.(created, shop));
    const { url } = server;
    closing.push(async () => {
      await server.close();
      await shop.auth.close();
    });
    const device = async (user: string): Promise<Device> => {
      const opened = new Device(url);
      await logInByForm(opened, user);
      return opened;
    };
    return { ...shop, url, device };
  };
}

/** Reports that a file has taken the journey with these packages, by the folders that they are installed in. */
export function reportTried(kind: Tried["kind"], folders: readonly string[], on = `Express ${EXPRESS_MAJOR}`): void {
  afterAll(() => {
    for (const folder of folders) tried({ kind, ...installed(folder), what: [`field suite, on ${on}`] });
  });
}
