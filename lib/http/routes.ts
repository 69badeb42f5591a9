import type { RouteName } from "../options.js";
import { activeUsers } from "./authing-api/active-users.js";
import type { Handler } from "./context.js";
import { kickActiveUsers } from "./authing-api/kick-active-users.js";
import { confirmForceOffline, forceOffline, showLoginManagement } from "./pages/login-management.js";
import { logoutByNavigation, logoutByPost } from "./logout/logout-route.js";
import {
  endOneLogin,
  endOtherLogins,
  logoutFromMenu,
  showLoggedOut,
  showPersonalCenter,
} from "./pages/personal-center.js";

export interface Route {
  /** The option that renames it or leaves it out. */
  readonly name: RouteName;
  /** Below the path of that option. Default: that path itself. */
  readonly part?: string;
  readonly method: "get" | "post";
  /** The caller: a back end with a token, which gets JSON, or a browser. */
  readonly caller: "admin" | "browser";
  /** Whether the guard protects the route. A kicked user may log out, but sees no page. */
  readonly guarded: boolean;
  readonly handler: Handler;
}

const logout = { name: "logout", caller: "browser", guarded: false } as const;
const personalCenter = { name: "personalCenter", caller: "browser", guarded: true } as const;
const loginManagement = { name: "loginManagement", caller: "browser", guarded: true } as const;

/** Every route of the package. */
export const ROUTES: readonly Route[] = [
  { ...logout, method: "get", handler: logoutByNavigation },
  { ...logout, method: "post", handler: logoutByPost },
  { name: "kickActiveUsers", method: "post", caller: "admin", guarded: false, handler: kickActiveUsers },
  { name: "activeUsers", method: "get", caller: "admin", guarded: false, handler: activeUsers },
  { ...personalCenter, part: "/logout", method: "post", guarded: false, handler: logoutFromMenu },
  { ...personalCenter, part: "/logged-out", method: "get", guarded: false, handler: showLoggedOut },
  { ...personalCenter, method: "get", handler: showPersonalCenter },
  { ...personalCenter, part: "/end-login", method: "post", handler: endOneLogin },
  { ...personalCenter, part: "/end-others", method: "post", handler: endOtherLogins },
  { ...loginManagement, method: "get", handler: showLoginManagement },
  { ...loginManagement, part: "/force-offline", method: "get", handler: confirmForceOffline },
  { ...loginManagement, part: "/force-offline", method: "post", handler: forceOffline },
];
