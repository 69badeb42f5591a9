import type { NextFunction, Request, Response } from "express";
import type { SessionData, Store } from "express-session";
import type { AuditOptions } from "./audit/entry.js";
import { LogoutError } from "./errors.js";
import { resolveAdmin, type AdminOptions, type ResolvedAdmin } from "./options/admin.js";
import { resolveAudit, type ResolvedAudit } from "./options/audit.js";
import { check, invalid, isFunction, isObject, isText, type Checks } from "./options/checks.js";
import { resolveConsole, type ConsoleOptions, type ResolvedConsole } from "./options/console.js";
import { checkProviderPaths, partsOf } from "./options/login-keys.js";
import { resolveLogins, type LoginOptions } from "./options/logins.js";
import { resolvePages, type PageOptions, type ResolvedPages } from "./options/pages.js";
import { resolveRedirects, type RedirectOptions, type ResolvedRedirects } from "./options/redirects.js";
import { resolveRoutes, type ResolvedRoutes, type RouteOptions } from "./options/routes.js";
import { resolveSessions, type ResolvedSessions, type SessionOptions } from "./options/sessions.js";
import { MemoryLoginRegistry } from "./registry/memory.js";
import type { HookUse } from "./session/hook.js";
import type { LoginPolicy } from "./session/rules/login-policy.js";
import { defaultUserId, type UserIdOf } from "./session/user-id.js";
import type { LoginEnd, UserId } from "./types/login.js";
import type { ProviderParts } from "./types/login-provider.js";
import type { LoginRegistry } from "./types/registry.js";
import { isMemoryStore } from "./util/known-stores.js";
import { warn } from "./util/warning.js";

/**
 * Options of `logout()`. Start with `store`, `appId` and, if it is not found by itself, `userId`. Everything else is optional.
 * `undefined` means that an option is absent; an unknown name throws `ERR_OPTION_UNKNOWN`.
 */
export interface LogoutOptions {
  /** The session store: the same instance that `session({ store })` gets. */
  readonly store: Store;
  /** The id of this application, not empty. Processes that share sessions use the same id. Part of every registry key. */
  readonly appId: string;
  /**
   * The list of live logins. Processes that share sessions must share it: pass a {@link SqliteLoginRegistry} on one machine, a
   * {@link RedisLoginRegistry} or a {@link PostgresLoginRegistry} on several. Default, for a `MemoryStore` only: a new
   * {@link MemoryLoginRegistry}, or that of the closed `logout()` whose store is taken over with the same `appId`.
   */
  readonly registry?: LoginRegistry | undefined;
  /**
   * Returns the id of the user a session belongs to; `undefined`, `null` or `""` for an anonymous session. Typed by the
   * `SessionData` of express-session, so module augmentation applies.
   *
   * Default: the first of `passport.user`, `userId` and `user` that holds an id; in a session without these, the first of
   * `user_id`, `uid` and `username`. In an object, the first of `id`, `_id`, `userId`, `user_id`, `uid` and `username` in its
   * JSON. [Examples](docs/troubleshooting.md#which-user-a-session-has)
   *
   * @example `userId: (session) => session.adminId ?? session.userId` for administrators who act as customers
   */
  readonly userId?: ((session: SessionData) => UserId | null | undefined) | undefined;
  /** Session lifetimes, store timeouts, and sessions that are older than the installation or that another service writes. */
  readonly sessions?: SessionOptions | undefined;
  /** The policy for logins: how many, how long, which external keys, which identity providers. Default: at most 1,000 logins a user, with the lifetime of their sessions. */
  readonly logins?: LoginOptions | undefined;
  /** The look and content of the pages. */
  readonly pages?: PageOptions | undefined;
  /** The console. Absent: disabled. */
  readonly console?: ConsoleOptions | undefined;
  /** The HTTP API for back ends that kicks and lists users, with a token. Absent: disabled. */
  readonly admin?: AdminOptions | undefined;
  /** Addresses that browsers are sent to. */
  readonly redirects?: RedirectOptions | undefined;
  /** Paths below the path that the middleware is mounted at. `false` claims none. */
  readonly routes?: RouteOptions | false | undefined;
  /**
   * Responds to the first request of an ended login, in place of the 401. `next()` continues with an anonymous session.
   *
   * @example `onRejected: (req, res) => res.redirect("/login?ended=1")`
   */
  readonly onRejected?: ((req: Request, res: Response, next: NextFunction, rejection: LoginEnd) => unknown) | undefined;
  /** The audit log: logins, logouts, kicks, and what was refused. Absent: none. [The audit log](docs/guides/audit.md) */
  readonly audit?: AuditOptions | undefined;
}

/** {@link LogoutOptions} with every default filled in. */
export interface ResolvedOptions {
  readonly store: Store;
  readonly appId: string;
  readonly registry: LoginRegistry;
  readonly userId: UserIdOf;
  readonly sessions: ResolvedSessions;
  readonly logins: LoginPolicy;
  readonly providers: readonly ProviderParts[];
  readonly pages: ResolvedPages;
  readonly console: ResolvedConsole | undefined;
  readonly admin: ResolvedAdmin | undefined;
  readonly redirects: ResolvedRedirects;
  readonly routes: ResolvedRoutes;
  readonly onRejected: LogoutOptions["onRejected"];
  readonly audit: ResolvedAudit;
}

const CHECKS: Checks<LogoutOptions> = {
  store: ["the session store that session({ store }) gets", isObject],
  appId: ["a non-empty string", isText],
  registry: [
    'a login registry: new SqliteLoginRegistry({ database: "logins.db" }) or new RedisLoginRegistry({ client })',
    isObject,
  ],
  userId: ["a function: (session) => user id", isFunction],
  sessions: ["an object: { maxAgeMs, storeTimeoutMs, touchIntervalMs, … }", isObject],
  logins: ["an object: { max, lifetime, keys, providers, startsFresh }", isObject],
  pages: ["an object: { html, brandName, accentColor, locale, texts, describeUser, confirmIdentity }", isObject],
  console: ["an object: { authorize, searchUsers }", isObject],
  admin: ["an object: { userPoolId, tokens, authorize, routes }", isObject],
  redirects: ["an object: { allow, default, login }", isObject],
  routes: [
    "an object: { logout, personalCenter, console, assets, login, publicPath }, or false",
    (value) => value === false || isObject(value),
  ],
  onRejected: ["a function: (req, res, next, rejection) => …", isFunction],
  audit: ["an object: { log, history }", isObject],
};

/**
 * Checks the options of `logout()` and fills in the defaults.
 *
 * @param before - what the closed `logout()` used whose store is taken over
 * @throws LogoutError `ERR_OPTION_UNKNOWN`, `ERR_OPTION_INVALID`, `ERR_REGISTRY_REQUIRED`, `ERR_REGISTRY_UNSUPPORTED`
 */
export function resolveOptions(options: LogoutOptions, before?: HookUse): ResolvedOptions {
  if (!isObject(options)) throw invalid("", "an object: logout({ store, appId })");
  check("", options, CHECKS, ["store", "appId"]);
  const { store, appId } = options;
  const consoleOptions = resolveConsole(options.console);
  const pages = resolvePages(options.pages, appId);
  const sessions = resolveSessions(options.sessions, store);
  const registry = registryFor(options, before);
  const resolved = Object.freeze<ResolvedOptions>({
    store,
    appId,
    userId: (options.userId as UserIdOf | undefined) ?? defaultUserId,
    sessions: Object.freeze(sessions),
    logins: Object.freeze(resolveLogins(options.logins, registry, sessions.storeTimeoutMs)),
    providers: partsOf(options.logins),
    pages: Object.freeze(pages),
    console: Object.freeze(consoleOptions),
    admin: Object.freeze(resolveAdmin(options.admin)),
    redirects: Object.freeze(resolveRedirects(options.redirects)),
    routes: Object.freeze(
      resolveRoutes(options.routes, { hasConsole: consoleOptions !== undefined, hasPages: pages.html }),
    ),
    onRejected: options.onRejected,
    audit: Object.freeze(resolveAudit(options.audit, registry)),
    registry,
  });
  checkProviderPaths(resolved);
  return resolved;
}

function registryFor({ store, appId, registry }: LogoutOptions, before: HookUse | undefined): LoginRegistry {
  if (registry instanceof MemoryLoginRegistry && !isMemoryStore(store)) {
    warn(
      "EXPRESS_LOGOUT_MEMORY_REGISTRY",
      'MemoryLoginRegistry forgets logins and kicks at a restart, and the session store keeps its sessions: kicked users whose sessions are older than the installation can return. Pass new SqliteLoginRegistry({ database: "logins.db" }) from express-logout/sqlite (on several machines a RedisLoginRegistry or a PostgresLoginRegistry), or sessions: { adopt: false }.',
    );
  }
  if (registry !== undefined) return registry;
  // A takeover keeps logins and kicks.
  if (isMemoryStore(store)) return before?.appId === appId ? before.registry : new MemoryLoginRegistry();
  throw new LogoutError(
    "ERR_REGISTRY_REQUIRED",
    'logout(): pass registry. One machine: new SqliteLoginRegistry({ database: "logins.db" }) from express-logout/sqlite. Several: new RedisLoginRegistry({ client }) from express-logout/redis, or new PostgresLoginRegistry({ pool }) from express-logout/postgres. new MemoryLoginRegistry() is for one process, and forgets all logins at a restart.',
  );
}
