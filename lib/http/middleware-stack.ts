import type { Request } from "express";

interface Layer {
  readonly handle: { readonly name?: string };
}

/** Names of the middlewares that were mounted before and after one of them, by their functions' names. */
export interface Mounted {
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** Returns what is mounted around a middleware in the request's app, or `undefined` where it is in a router of its own. */
export function mountedAround(req: Request, middleware: unknown): Mounted | undefined {
  for (let app: unknown = req.app; app !== undefined && app !== null; app = (app as { parent?: unknown }).parent) {
    const stack = stackOf(app);
    const at = stack.findIndex(({ handle }) => handle === middleware);
    const names = stack.map(({ handle }) => handle.name ?? "");
    if (at >= 0) return { before: names.slice(0, at), after: names.slice(at + 1) };
  }
  return undefined;
}

/**
 * Returns whether the mount path of a middleware that handles this request has no parameters. `false` in a router or a wrapper, where
 * Express hides the parameters of the outer path.
 */
export function hasFixedMountPath(req: Request, middleware: unknown): boolean {
  const { baseUrl, app } = req;
  if (baseUrl === "") return true;
  const isInApp = stackOf(app).some(({ handle }) => handle === middleware);
  const hasParameters = Object.keys((req as Partial<Request>).params ?? {}).length > 0;
  // The mount path of a sub-app may be a pattern too.
  return isInApp && !hasParameters && baseUrl.toLowerCase().startsWith(app.path().toLowerCase());
}

/** Express 4 throws at `app.router`. */
function stackOf(app: unknown): readonly Layer[] {
  const { _router: router4 } = app as { _router?: { stack?: readonly Layer[] } };
  const router = router4 ?? (app as { router?: { stack?: readonly Layer[] } }).router;
  return router?.stack ?? [];
}
