import { randomBytes } from "node:crypto";
import helmet from "helmet";
import { LogoutError, MemoryLoginRegistry, type LogoutOptions } from "../../lib/index.js";
import type { NewLogin } from "../../lib/registry/index.js";
import { addAll } from "../../lib/registry/testing/context.js";
import { CHROME, IPHONE } from "./pages.js";
import type { Site, SiteOptions } from "./site.js";

const MINUTE_MS = 60_000;
const DEVICES = [
  CHROME,
  IPHONE,
  "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
  "curl/8.5.0",
];

/** A registry whose kicks can be held and can fail, and that can be down. */
class TroubledRegistry extends MemoryLoginRegistry {
  isDown = false;
  /** The user whom no kick reaches. */
  unreachable: string | undefined;
  #held: { readonly isOver: Promise<void>; kicks: number } | undefined;

  /** Lets so many kicks pass, and holds the others until the returned function is called. */
  holdAfter(kicks: number): () => void {
    let release = (): void => undefined;
    this.#held = { isOver: new Promise<void>((resolve) => (release = resolve)), kicks };
    return release;
  }

  override async end(...[userId, target]: Parameters<MemoryLoginRegistry["end"]>) {
    if (userId === this.unreachable) throw outage();
    if (this.#held !== undefined && (this.#held.kicks -= 1) < 0) await this.#held.isOver;
    return super.end(userId, target);
  }

  override async activeUsers(page: Parameters<MemoryLoginRegistry["activeUsers"]>[0]) {
    if (this.isDown) throw outage();
    return super.activeUsers(page);
  }
}

const outage = (): LogoutError => new LogoutError("ERR_REGISTRY_UNAVAILABLE", "The registry did not answer.");

/** A site with users of every kind, below a path of the app, under helmet. */
export interface StateSite extends Site {
  readonly registry: TroubledRegistry;
  /** The addresses of the console and of the personal center. */
  readonly console: string;
  readonly center: string;
  /** Lists logins that no browser has. */
  readonly list: (userIds: readonly string[], more?: Partial<NewLogin>) => Promise<void>;
}

export const usersOf = (word: string, count: number): string[] =>
  Array.from({ length: count }, (_value, index) => `${word}-${String(index).padStart(3, "0")}`);

/** Texts that try to break a page. */
export const HOSTILE = [
  "<script>alert(1)</script>",
  "\u202eright to left\u202c \u200f",
  "x".repeat(10_000),
  "\ud800 lone",
  `"'><img src=x onerror=alert(1)>`,
  "名字很长的用户名字很长的用户名字很长的用户",
];

export const hostileProfile = (userId: string) => ({
  name: HOSTILE[Number(/\d+$/.exec(userId)?.[0] ?? 0)] ?? "Ada",
  email: HOSTILE[2],
  photo: userId.endsWith("0") ? "javascript:alert(1)" : undefined,
});

/** Opens it with 24 users, of whom bob has twelve logins. Grace is an administrator too. */
export async function openStateSite(
  open: (options: SiteOptions) => Promise<Site>,
  { pages, ...auth }: Partial<LogoutOptions> = {},
): Promise<StateSite> {
  const registry = new TroubledRegistry();
  const site = await open({
    at: "/account",
    before: (app) => app.use(helmet({ hsts: false })),
    after: (app, router) => app.use(router.errorHandler, router.guard),
    auth: {
      registry,
      console: {
        authorize: (req) => req.session.userId === "admin",
        administrators: () => ["admin", "grace"],
        searchUsers: (text) => usersOf("user", 24).filter((id) => id.includes(text)),
      },
      pages: {
        describeUser: (id) => ({ name: `Name of ${id}`, email: `${id}@shop.example` }),
        describeIp: () => "Leipzig, DE",
        describeLogin: () => "Passkey",
        securityUrl: "/security",
        ...pages,
      },
      redirects: { login: false },
      audit: { history: {} },
      ...auth,
    },
  });
  const list: StateSite["list"] = (userIds, more = {}) =>
    addAll(
      registry,
      userIds.map((userId, index) => {
        const id = randomBytes(16).toString("base64url");
        const userAgent = DEVICES[index % DEVICES.length];
        const began = new Date(Date.now() - index * 7 * MINUTE_MS);
        return {
          id,
          userId,
          sid: `session of ${id}`,
          ttlMs: 600 * MINUTE_MS,
          ip: "2001:db8::7f",
          userAgent,
          began,
          ...more,
        };
      }),
    );
  await list([...usersOf("user", 24), "grace", ...Array.from({ length: 12 }, () => "bob")]);
  return Object.assign(site, {
    registry,
    console: `${site.url}/account/console/applications/${site.appId}/login-management`,
    center: `${site.url}/account/u`,
    list,
  });
}
