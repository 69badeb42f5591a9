export { logout } from "./logout.js";
export type { LogoutControls, LogoutMiddleware } from "./controls.js";
export type { AuditAction, AuditEntry, AuditOptions } from "./audit/entry.js";
export type { LogoutOptions } from "./options.js";
export type { AdminAction, AdminToken } from "./options/admin-tokens.js";
export type { AdminContext, AdminOptions, AdminRoutes } from "./options/admin.js";
export type { ConsoleContext, ConsoleOptions } from "./options/console.js";
export type { FreshLoginOptions } from "./options/fresh-logins.js";
export type { LoginKeyOptions } from "./options/login-keys.js";
export type { LoginLifetime, LoginOptions, MaxLogins } from "./options/logins.js";
export type { PageTexts } from "./options/page-texts.js";
export type { PageOptions } from "./options/pages.js";
export type { Locale } from "./pages/texts/index.js";
export type { RedirectOptions } from "./options/redirects.js";
export type { RouteOptions, RoutePath } from "./options/routes.js";
export type { SessionOptions } from "./options/sessions.js";
export { LogoutError, type LogoutErrorCode, type LogoutErrorDetails, type LogoutErrorOptions } from "./errors.js";
export type { LogoutEvents } from "./logins/events.js";
export type {
  KickAllOptions,
  KickByKeyOptions,
  KickOptions,
  KickResult,
  KickUserOptions,
  KickWhereOptions,
  LongKick,
  Progress,
} from "./logins/kick-options.js";
export type { LoginFilter } from "./logins/filter.js";
export type { ActiveUser } from "./logins/login-lists.js";
export type { HistoryQuery } from "./logins/list-history.js";
export type { CountedPage, PageRequest } from "./logins/paging.js";
export type { DeviceInfo, LoginEnd, LoginEndCause, Login, UserId, UserProfile } from "./types/login.js";
export type { Closable } from "./live/closable.js";
export type { LoginSignal } from "./live/login-end-error.js";
export type { LoginKey } from "./types/login-keys.js";
export type { LoginProvider } from "./types/login-provider.js";
export type { HistoryOptions, Page } from "./types/history.js";
export type { Finding, Health } from "./types/health.js";
export type { LoginRegistry } from "./types/registry.js";
export { MemoryLoginRegistry } from "./registry/memory.js";
