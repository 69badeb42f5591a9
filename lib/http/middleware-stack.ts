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

/** Express 4 throws at `app.router`. */
function stackOf(app: unknown): readonly Layer[] {
  const { _router: router4 } = app as { _router?: { stack?: readonly Layer[] } };
  const router = router4 ?? (app as { router?: { stack?: readonly Layer[] } }).router;
  return router?.stack ?? [];
}
