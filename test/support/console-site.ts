import { randomBytes } from "node:crypto";
import { MemoryLoginRegistry, type ConsoleOptions, type LogoutOptions } from "../../lib/index.js";
import type { NewLogin } from "../../lib/registry/index.js";
import type { Browser } from "./http.js";
import { elementsOf } from "./pages.js";
import type { Site, SiteOptions } from "./site.js";

export const isRoot: ConsoleOptions["authorize"] = (req) => req.session.userId === "root";

export interface ConsoleSite {
  readonly site: Site;
  readonly registry: MemoryLoginRegistry;
  readonly root: Browser;
  /** The address of the list. */
  readonly page: string;
  readonly force: string;
  /** Lists a login that no browser has, and returns its id. */
  readonly list: (userId: string, login?: Partial<NewLogin>) => Promise<string>;
}

/** Opens a site with a console, on which the administrator root is logged in. */
export async function openConsole(
  open: (options: SiteOptions) => Promise<Site>,
  auth: Partial<LogoutOptions> = {},
  registry = new MemoryLoginRegistry(),
): Promise<ConsoleSite> {
  const site = await open({ auth: { registry, ...auth, console: { authorize: isRoot, ...auth.console } } });
  const root = await site.login("root");
  const page = `/console/applications/${site.appId}/login-management`;
  const list = async (userId: string, login: Partial<NewLogin> = {}): Promise<string> => {
    const id = randomBytes(16).toString("base64url");
    await registry.add({ id, userId, sid: `session of ${id}`, ttlMs: 3_600_000, ...login });
    return id;
  };
  return { site, registry, root, page, force: `${page}/force-offline`, list };
}

/** Returns the ids of the users in the table, in order. */
export function userIdsIn(html: string): string[] {
  return elementsOf(html, "tr").flatMap(({ attributes }) => attributes["data-user"] ?? []);
}
