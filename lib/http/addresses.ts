import type { Request } from "express";
import { LogoutError } from "../errors.js";
import { comparablePath, plainPath } from "../util/paths.js";
import type { HttpContext } from "./context.js";
import { isOwnOrigin, trustsProxy } from "./origin.js";

/*
 * Outer addresses, as browsers see them: inner ones with the prefix in front that a reverse proxy removes.
 */

/** Returns what stands in front of the paths of this app: `routes.publicPath`, else what a trusted proxy says; mostly nothing. */
function publicPath({ options }: HttpContext, req: Request): string {
  if (options.routes.publicPath !== undefined) return options.routes.publicPath;
  const forwarded = req.headers["x-forwarded-prefix"];
  return forwarded !== undefined && trustsProxy(req) ? forwardedPrefix(String(forwarded)) : "";
}

/** Each proxy on the way adds the prefix that it has removed, the outermost first. What is no plain path counts for nothing. */
function forwardedPrefix(header: string): string {
  const prefixes = header.split(",").map((prefix) => plainPath(prefix.trim()));
  return prefixes.includes(undefined) ? "" : prefixes.join("");
}

/** Returns the outer path of the place that the middleware is mounted at: empty for the root. */
export function mountPath(context: HttpContext, req: Request): string {
  return outer(context, req, context.mounts.of(req)).replace(/^\/$/, "");
}

/** Returns the outer path that this request asked for. Its line may name any host. */
export function outerPath(context: HttpContext, req: Request): string {
  // Express adds a slash to the path that a middleware is mounted at.
  const isMountPath = req.path === "/" && /^[^?]*[^/?](?:\?|$)/.test(req.originalUrl);
  return outer(context, req, req.baseUrl + (isMountPath ? "" : req.path));
}

/** Returns an outer path. A requested path may begin with two slashes, or what browsers read as slashes, and would name a host. */
function outer(context: HttpContext, req: Request, path: string): string {
  return (publicPath(context, req) + path).replace(/^[/\\\p{Cc} ]{2,}/u, "/");
}

/** Returns where users land who have logged out. */
export function homeUrl(context: HttpContext, req: Request): string {
  return outerUrl(context, req, context.options.redirects.default, "/");
}

/** Returns where users log in, or `false` where the app has no such page. */
export function loginUrl(context: HttpContext, req: Request): string | false {
  const url = context.options.redirects.login;
  return url === false ? false : outerUrl(context, req, url, "/login");
}

/** What the app has set is an outer address already, unless it says that it is relative. */
function outerUrl(context: HttpContext, req: Request, url: string | undefined, inner: string): string {
  if (url === undefined) return publicPath(context, req) + inner;
  return url.startsWith("./") ? mountPath(context, req) + url.slice(1) : url;
}

/**
 * Returns whether the request is for a route of the app that logs users in. It may throw what the app's function throws.
 *
 * @throws LogoutError `ERR_OPTION_INVALID` if that function returns a promise.
 */
export function isLoginRoute(context: HttpContext, req: Request): boolean {
  const { login: loginRoutes } = context.options.routes;
  if (typeof loginRoutes === "function") return isTrue(withWholePath(req, () => loginRoutes(req)));
  const path = comparablePath(innerPath(req));
  if (path === undefined) return false;
  return loginRoutes === undefined ? path === loginPath(context, req) : loginRoutes.includes(path);
}

/** The inner path of the login page. On another host it is none of this app's. */
function loginPath(context: HttpContext, req: Request): string | undefined {
  const url = loginUrl(context, req);
  if (url === false || (URL.canParse(url) && !isOwnOrigin(req, url))) return undefined;
  const [path, prefix] = [comparablePath(url), publicPath(context, req).toLowerCase()];
  return path?.startsWith(`${prefix}/`) === true ? path.slice(prefix.length) : path;
}

/** The path as the app's routes see it, also where the app has rewritten `req.url`. */
function innerPath(req: Request): string {
  return ((req as Partial<Request>).baseUrl ?? "") + ((req as Partial<Request>).path ?? req.url);
}

/** Runs a function of the app with the whole path in `req.path`, wherever the caller is mounted. */
function withWholePath(req: Request, act: () => unknown): unknown {
  const { url, baseUrl } = req;
  if (((baseUrl as string | undefined) ?? "") === "") return act();
  // As in Express: the target of a request may begin with an origin.
  req.url = url.replace(/^(?:[a-z][a-z\d+.-]*:\/\/[^/?#]*)?/i, (origin) => origin + baseUrl);
  req.baseUrl = "";
  try {
    return act();
  } finally {
    Object.assign(req, { url, baseUrl });
  }
}

function isTrue(answer: unknown): boolean {
  if (typeof (answer as { then?: unknown } | null | undefined)?.then === "function") {
    // The error below names the fault, which is that there is a promise.
    Promise.resolve(answer).catch(() => undefined);
    throw new LogoutError(
      "ERR_OPTION_INVALID",
      "routes.login returned a promise, which is not awaited. Pass a function that returns true or false.",
    );
  }
  return answer === true;
}
