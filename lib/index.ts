export { logout, type LogoutControls, type LogoutMiddleware, type UserId } from "./logout.js";
export type { Finding } from "./diagnose.js";
export type { AdminContext, AdminOptions, LogoutOptions, RouteOptions, SessionOptions } from "./options.js";
export { KickError, LoginEndedError, LogoutError, type LoginEndCause, type LogoutErrorCode } from "./errors.js";
export type { LogoutEvents, LogoutListener } from "./logins/events.js";
export type {
  ActiveUsers,
  ActiveUsersPage,
  CountedPage,
  KickAllOptions,
  KickOptions,
  KickResult,
  PageRequest,
  Progress,
} from "./logins/logins.js";
export type { DeviceInfo, LoginEnd, Generation, KickRecord, Login, UserProfile } from "./types/login.js";
export type {
  ActiveUser,
  EndOfLogin,
  EndOptions,
  EndedLogins,
  KickEndOptions,
  ListedLogin,
  LoginChange,
  LoginRegistry,
  NewLogin,
  RegistryList,
  RegistryListener,
  RegistryPage,
  Removal,
  Since,
  Subscription,
} from "./types/registry.js";
export type { Session } from "./session/user-id.js";
export type { Closable } from "./live/closable.js";
export { MemoryLoginRegistry } from "./registry/memory.js";
