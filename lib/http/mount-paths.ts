import type { Request } from "express";
import { hasFixedMountPath } from "./middleware-stack.js";

/** The mount path of the middleware, per request, because a mount path may have parameters. */
export class MountPaths {
  readonly #ofRequests = new WeakMap<object, string>();
  /** The mount path of every request so far. Only a path without parameters: they belong to their request. */
  #common: string | undefined;
  #mayBeCommon = true;

  /** Records the mount path of a request that reaches the middleware. */
  record(req: Request, middleware: unknown): void {
    const { baseUrl } = req;
    this.#ofRequests.set(req, baseUrl);
    // A pattern such as `*` matches the whole path, so the mount path of the next request is unknown.
    if (!this.#mayBeCommon || baseUrl === this.#common || req.path === "/") return;
    const isOther = this.#common !== undefined && baseUrl.toLowerCase() !== this.#common.toLowerCase();
    this.#mayBeCommon = !isOther && hasFixedMountPath(req, middleware);
    this.#common = this.#mayBeCommon ? (this.#common ?? baseUrl) : undefined;
  }

  /** Returns the mount path of a request. If it has not reached the middleware: the common one, else its current `baseUrl`. */
  of(req: Request): string {
    return this.#ofRequests.get(req) ?? this.#common ?? (req as Partial<Request>).baseUrl ?? "";
  }

  /** Returns whether the mount path covers the whole path of this request, and no request had a path below it. */
  isWholePath(req: Request): boolean {
    const mountPath = this.#ofRequests.get(req) ?? "";
    const isSeenBelow = this.#common !== undefined || !this.#mayBeCommon;
    return mountPath !== "" && !isSeenBelow && mountPath === (req.baseUrl + req.path).replace(/\/$/, "");
  }
}
