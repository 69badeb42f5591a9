import { Audit } from "./audit/audit.js";
import { closing } from "./closing.js";
import { debug } from "./util/debug.js";
import { Diagnosis } from "./diagnose.js";
import { APP_ID, publishingOn } from "./operation/channels.js";
import { healthOf } from "./operation/health.js";
import { Events } from "./logins/events.js";
import { attachHttpContext } from "./http/context.js";
import { createErrorHandler } from "./http/error-handler.js";
import { createGuard } from "./http/guard.js";
import { freshLoginControls } from "./http/fresh-logins.js";
import { loginControls } from "./http/login-controls.js";
import { MountPaths } from "./http/mount-paths.js";
import { createMiddlewares } from "./http/middleware.js";
import { initRegistry } from "./util/own-registry.js";
import { TracedLogins } from "./logins/traced-logins.js";
import { tracedRegistry } from "./operation/traced-registry.js";
import { reportTo } from "./logins/report.js";
import { listingHistory } from "./logins/list-history.js";
import { LoginWatcher } from "./live/login-watcher.js";
import { subscribing } from "./live/kick-events.js";
import { LoginSignals } from "./live/signals.js";
import { EndNotifications } from "./live/notifications.js";
import { resolveOptions, type LogoutOptions } from "./options.js";
import { RequestSessions } from "./http/request-sessions.js";
import { createAssets } from "./pages/assets.js";
import { describeStore } from "./session/store/store-support.js";
import { hookLeftOn, StoreHook } from "./session/hook.js";
import { forwardTo } from "./util/forward-to.js";
import type { LogoutControls, LogoutMiddleware } from "./controls.js";

/**
 * Creates the middleware that makes logouts final and lets an app end logins.
 *
 * Hooks the session store immediately. Mount the middleware after `session()` (and `passport.session()`), at the root or under a
 * path, and before CSRF protection and routes.
 *
 * @throws LogoutError `ERR_OPTION_UNKNOWN`, `ERR_OPTION_INVALID`, `ERR_REGISTRY_REQUIRED`, `ERR_REGISTRY_IN_USE`,
 * `ERR_REGISTRY_UNSUPPORTED`, `ERR_STORE_INVALID`, `ERR_STORE_IN_USE`
 *
 * @example
 * ```ts
 * import express from "express";
 * import session, { MemoryStore } from "express-session";
 * import { logout } from "express-logout";
 *
 * const app = express();
 * const store = new MemoryStore();
 * const auth = logout({ store, appId: "shop" });
 * app.use(session({ store, secret: "keyboard cat", resave: false, saveUninitialized: false }));
 * app.use(auth);
 * ```
 */
export function logout(options: LogoutOptions): LogoutMiddleware {
  const left = hookLeftOn((options as LogoutOptions | undefined)?.store);
  return left === undefined ? create(options) : left.withOwnMethods(() => create(options, left));
}

/** @param left - the hook of a closed `logout()` on this store, which is taken over */
function create(options: LogoutOptions, left?: StoreHook): LogoutMiddleware {
  const resolved = resolveOptions(options, left?.current);
  const { appId, store, userId } = resolved;
  const { maxAgeMs, liveCheckIntervalMs, waitForTouch } = resolved.sessions;
  const { history } = resolved.audit;
  initRegistry(resolved.registry, { appId, maxSessionAgeMs: maxAgeMs, history }, store);
  const facts = describeStore(store);
  debug?.("set-up of %s: %o, waitForTouch: %s", appId, facts, waitForTouch);
  const events = new Events(publishingOn(appId));
  const notifications = new EndNotifications(resolved.registry, liveCheckIntervalMs);
  const source = { registry: tracedRegistry(resolved.registry, appId), notifications, liveCheckIntervalMs };
  const hook = left ?? new StoreHook(store, new LoginWatcher(source));
  // After a takeover, the controls of a closed logout() act on the registry that serves requests then.
  const registry = forwardTo(() => hook.current.registry);
  const tombstones = forwardTo(() => hook.current.tombstones);
  const audit = new Audit({ appId, log: resolved.audit.log, history: history && (() => registry.history) });
  const hasKeys = resolved.logins.keysOf !== undefined;
  const logins = new TracedLogins(appId, { registry, tombstones, events, audit, hasKeys });
  const sessions = new RequestSessions(hook, store);
  const mounts = new MountPaths();
  const context = {
    options: resolved,
    logins,
    audit,
    sessions,
    mounts,
    assets: createAssets(resolved.pages.accentColor),
  };
  const guard = createGuard(context);
  const { main, sessionless } = createMiddlewares(context, guard);
  const diagnosis = new Diagnosis({
    registry: resolved.registry,
    store: facts,
    userId,
    sessions,
    hook,
    mounts,
    middleware: main,
  });
  const use = hook.use({ ...resolved, registry: source.registry, events: reportTo(events, logins, audit) });
  const controls: LogoutControls = {
    ...loginControls(context),
    ...freshLoginControls(context),
    ...sessionControls(hook),
    listHistory: listingHistory(() => history && registry.history),
    guard,
    sessionlessRoutes: sessionless,
    errorHandler: createErrorHandler(context),
    on: subscribing(events, notifications, logins),
    health: healthOf(resolved.registry, notifications),
    diagnose: (req) => diagnosis.run(req),
    close: closing({ events, audit, notifications, registry: resolved.registry, hook, use }),
  };
  hook.live.resume(source);
  return attachHttpContext(Object.assign(main, controls, { [APP_ID]: appId }), context);
}

function sessionControls(
  hook: StoreHook,
): Pick<LogoutControls, "startLogin" | "signal" | "signalOfSession" | "adoptSessions"> {
  const liveRequests = new LoginSignals(hook);
  return {
    startLogin: (req) => hook.startLogin(req),
    signal: (req, until) => liveRequests.signal(req, until),
    signalOfSession: (sessionId, until) => liveRequests.signalOfSession(sessionId, until),
    adoptSessions: ({ onProgress = () => undefined } = {}) => hook.adoptSessions(onProgress),
  };
}
