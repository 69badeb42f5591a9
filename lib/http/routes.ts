import type { ResolvedOptions } from "../options.js";
import { ADMIN_ROUTES } from "./authing-api/routes.js";
import { returnFromProvider } from "./logout/provider-logout.js";
import { logoutByNavigation, logoutByPost } from "./logout/logout-route.js";
import { confirmForceOffline } from "./pages/console/confirm-force-offline.js";
import { forceOffline } from "./pages/console/force-offline.js";
import { showHistory } from "./pages/console/history-page.js";
import { FORCE, HISTORY, USERS } from "./pages/console/parts.js";
import { showLoginManagement } from "./pages/console/list.js";
import {
  endOneLogin,
  endOtherLogins,
  logoutFromMenu,
  showLoggedOut,
  showPersonalCenter,
} from "./pages/personal-center.js";
import { showUser } from "./pages/console/user-page.js";
import type { Route } from "./route.js";

const logout: Pick<Route, "paths" | "caller" | "guarded"> = {
  paths: ({ routes }) => routes.logout,
  caller: "browser",
  guarded: false,
};
/** Where an identity provider sends the browser back. */
const logoutReturn: typeof logout = {
  ...logout,
  paths: ({ routes, providers }) => (providers.some(({ endSession }) => endSession !== undefined) ? routes.logout : []),
};
const personalCenter: typeof logout = {
  paths: ({ routes }) => routes.personalCenter,
  caller: "browser",
  guarded: true,
};
const loginManagement: typeof logout = { paths: ({ routes }) => routes.console, caller: "browser", guarded: true };
/** A page that a person sees, and no program. */
const page = ({ paths, ...route }: typeof logout): typeof logout => ({
  ...route,
  paths: (options) => (options.pages.html ? paths(options) : []),
});

const history: typeof logout = {
  ...loginManagement,
  paths: (options) => (options.audit.history === undefined ? [] : loginManagement.paths(options)),
};

/** The logout URL and the pages. */
export const BROWSER_ROUTES: readonly Route[] = [
  { ...logout, method: "get", handler: logoutByNavigation },
  { ...logout, method: "post", handler: logoutByPost },
  { ...logoutReturn, part: "/return", method: "get", handler: returnFromProvider },
  { ...personalCenter, part: "/logout", method: "post", guarded: false, handler: logoutFromMenu },
  { ...page(personalCenter), part: "/logged-out", method: "get", guarded: false, handler: showLoggedOut },
  { ...personalCenter, method: "get", isScreen: true, handler: showPersonalCenter },
  { ...personalCenter, part: "/end-login", method: "post", handler: endOneLogin },
  { ...personalCenter, part: "/end-others", method: "post", handler: endOtherLogins },
  { ...loginManagement, method: "get", isScreen: true, handler: showLoginManagement },
  { ...loginManagement, part: USERS, method: "get", isScreen: true, handler: showUser },
  { ...history, part: HISTORY, method: "get", isScreen: true, handler: showHistory },
  { ...loginManagement, part: FORCE, method: "get", isScreen: true, handler: confirmForceOffline },
  { ...loginManagement, part: FORCE, method: "post", handler: forceOffline },
];

/** Returns the routes that use no session: those of the admin API and of identity providers. */
export function sessionlessRoutes({ providers }: Pick<ResolvedOptions, "providers">): readonly Route[] {
  return [...ADMIN_ROUTES, ...providerRoutes({ providers })];
}

export function providerRoutes({ providers }: Pick<ResolvedOptions, "providers">): readonly Route[] {
  return providers.flatMap(({ routes }) => routes);
}

/** Returns every route of the package. */
export function allRoutes(options: Pick<ResolvedOptions, "providers">): readonly Route[] {
  return [...BROWSER_ROUTES, ...sessionlessRoutes(options)];
}
