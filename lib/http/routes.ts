import type { RouteOptions } from "../options.js";
import { activeUsers } from "./active-users.js";
import type { Handler } from "./context.js";
import { kickActiveUsers } from "./kick-active-users.js";
import { logoutByNavigation, logoutByPost } from "./logout-route.js";

export interface Route {
  /** The option that renames it or leaves it out. */
  readonly name: keyof RouteOptions;
  readonly method: "get" | "post";
  /** For whom: a back end with a token, who is answered in JSON, or a browser. */
  readonly caller: "admin" | "browser";
  readonly handler: Handler;
}

/** Every route of the package. */
export const ROUTES: readonly Route[] = [
  { name: "logout", method: "get", caller: "browser", handler: logoutByNavigation },
  { name: "logout", method: "post", caller: "browser", handler: logoutByPost },
  { name: "kickActiveUsers", method: "post", caller: "admin", handler: kickActiveUsers },
  { name: "activeUsers", method: "get", caller: "admin", handler: activeUsers },
];
