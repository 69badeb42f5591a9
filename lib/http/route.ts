import type { ResolvedOptions } from "../options.js";
import type { Handler } from "./context.js";

/** A route of the package. */
export interface Route {
  /** Returns the paths that the app has given the route; none if it left the route out. */
  readonly paths: (options: ResolvedOptions) => readonly string[];
  /** Below these paths. Default: the paths themselves. */
  readonly part?: string;
  readonly method: "get" | "post";
  /** The caller: a back end with a token or an identity provider, which get JSON, or a browser. */
  readonly caller: "admin" | "provider" | "browser";
  /** Whether the guard protects the route. A kicked user may log out, but sees no page. */
  readonly guarded: boolean;
  /** Whether the address is one that people see: with `pages.html: false` browsers get the app's own screen there. */
  readonly isScreen?: boolean;
  readonly handler: Handler;
}
