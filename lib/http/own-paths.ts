import type { Request } from "express";
import type { HttpContext } from "./context.js";
import { joinPath } from "./pages/page-context.js";
import { ROUTES } from "./routes.js";

/** The addresses of the package's routes, as code outside the mount path sees them. */
export class OwnPaths {
  readonly #paths: readonly { readonly method: string; readonly pattern: RegExp }[];
  /** Where the middleware is mounted; known once it has seen a request. */
  #mountPath = "";

  constructor({ options }: HttpContext) {
    this.#paths = ROUTES.flatMap(({ name, part = "", method }) =>
      options.routes[name].map((path) => ({ method: method.toUpperCase(), pattern: patternOf(joinPath(path, part)) })),
    );
  }

  mountedAt(path: string): void {
    this.#mountPath = path;
  }

  /** Whether a request is for a route of this package. */
  has(req: Request): boolean {
    const path = req.baseUrl + req.path;
    const { length } = this.#mountPath;
    if (path.slice(0, length).toLowerCase() !== this.#mountPath.toLowerCase()) return false;
    return this.#paths.some(({ method, pattern }) => method === req.method && pattern.test(path.slice(length)));
  }

  /** The request as the middleware sees it: the files of a page are below its mount path. */
  inPlace(req: Request): Request {
    return Object.create(req, { baseUrl: { value: this.#mountPath } }) as Request;
  }
}

/** Names (`:appId`) match a segment. A path with other signs of a pattern matches only itself. */
function patternOf(path: string): RegExp {
  const literals = path.split(/:\w+/).map((literal) => literal.replace(/[^\w/]/g, "\\$&"));
  return new RegExp(`^${literals.join("[^/]+")}/?$`, "i");
}
