export { logout, type LogoutControls, type LogoutRouter, type UserId } from "./logout.js";
export type { Finding } from "./diagnose.js";
export type { AdminContext, AdminOptions, LogoutOptions, RouteOptions, SessionOptions } from "./options.js";
export { KickError, LoginEndedError, LogoutError, type LoginEnd, type LogoutErrorCode } from "./errors.js";
export type { LogoutEvents, LogoutListener } from "./events.js";
export type {
  ActiveUsers,
  ActiveUsersPage,
  CountedPage,
  KickAllOptions,
  KickOptions,
  KickResult,
  PageRequest,
  Progress,
} from "./logins.js";
export type {
  ActiveUser,
  Client,
  EndOfLogin,
  EndOptions,
  EndedLogins,
  EndedLogin,
  Era,
  KickEndOptions,
  KickMark,
  ListedLogin,
  Login,
  LoginChange,
  LoginRegistry,
  NewLogin,
  RegistryList,
  RegistryListener,
  RegistryPage,
  Removal,
  Since,
  Subscription,
  UserProfile,
} from "./login.js";
export type { Session } from "./session/user-id.js";
export type { Closing } from "./live/over.js";
export { MemoryLoginRegistry } from "./registry/memory.js";
