import type { Request } from "express";
import { escapeRegExp } from "../util/paths.js";
import type { HttpContext } from "./context.js";
import { joinPath } from "./pages/page-context.js";
import { allRoutes } from "./routes.js";

/** The addresses of the package's routes, as code outside the mount path sees them. */
export class OwnPaths {
  readonly #context: HttpContext;
  readonly #paths: readonly { readonly method: string; readonly pattern: RegExp }[];

  constructor(context: HttpContext) {
    this.#context = context;
    this.#paths = allRoutes(context.options).flatMap(({ paths, part = "", method }) =>
      paths(context.options).map((path) => ({
        method: method.toUpperCase(),
        pattern: patternOf(joinPath(path, part)),
      })),
    );
  }

  /** Whether a request is for a route of this package. */
  has(req: Request): boolean {
    const mountPath = this.#context.mounts.of(req);
    const path = req.baseUrl + req.path;
    const { length } = mountPath;
    if (path.slice(0, length).toLowerCase() !== mountPath.toLowerCase()) return false;
    return this.#paths.some(({ method, pattern }) => method === req.method && pattern.test(path.slice(length)));
  }
}

/** Names (`:appId`) match a segment. A path with other signs of a pattern matches only itself. */
function patternOf(path: string): RegExp {
  const literals = path.split(/:\w+/).map(escapeRegExp);
  return new RegExp(`^${literals.join("[^/]+")}/?$`, "i");
}
