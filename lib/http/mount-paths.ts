import type { Request } from "express";
import { hasFixedMountPath } from "./middleware-stack.js";

/** The path that the middleware is mounted at: each request has its own, since a mount path may have parameters. */
export class MountPaths {
  readonly #ofRequests = new WeakMap<object, string>();
  /** The mount path of every request so far; no request may learn the parameters of another one. */
  #common: string | undefined;
  #mayBeCommon = true;

  /** Records where the middleware sees a request. */
  record(req: Request, middleware: unknown): void {
    const { baseUrl } = req;
    this.#ofRequests.set(req, baseUrl);
    // A pattern such as `*` takes the whole path, so this request says nothing of the next one.
    if (!this.#mayBeCommon || baseUrl === this.#common || req.path === "/") return;
    const isOther = this.#common !== undefined && baseUrl.toLowerCase() !== this.#common.toLowerCase();
    this.#mayBeCommon = !isOther && hasFixedMountPath(req, middleware);
    this.#common = this.#mayBeCommon ? (this.#common ?? baseUrl) : undefined;
  }

  /** Returns the mount path for a request: for one that the middleware has not seen, that of all others, else where it is now. */
  of(req: Request): string {
    return this.#ofRequests.get(req) ?? this.#common ?? (req as Partial<Request>).baseUrl ?? "";
  }

  /** Returns whether the mount path is all of the path of this request, and no request had another path below it. */
  isWholePath(req: Request): boolean {
    const mountPath = this.#ofRequests.get(req) ?? "";
    const isSeenBelow = this.#common !== undefined || !this.#mayBeCommon;
    return mountPath !== "" && !isSeenBelow && mountPath === (req.baseUrl + req.path).replace(/\/$/, "");
  }
}
