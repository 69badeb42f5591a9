import type { Request } from "express";
import { LogoutError } from "../errors.js";
import { warn } from "../util/warning.js";

export const CSRF_BEFORE =
  "CSRF protection is mounted before logout()'s middleware, so it refuses the forms of the pages and the admin API.";
export const CSRF_FIX = "Call app.use(auth) before the CSRF middleware: the pages have a protection of their own.";
export const PASSPORT_FIX = "Call app.use(passport.session()) before app.use(auth).";

/**
 * Runs a check of the app that may look at `req.user`.
 *
 * @throws LogoutError `ERR_SESSION_ORDER` if it did not return `true`, and has read a `req.user` that passport.session() would
 * set, but has not set yet.
 */
export async function withPassportUser(req: Request, check: () => unknown): Promise<unknown> {
  if (!isBeforePassport(req)) return check();
  const reads = watchUser(req);
  try {
    const result = await check();
    if (result === true || !reads.seen()) return result;
    throw beforePassport();
  } catch (error) {
    // As in `req.user.role`.
    throw error instanceof TypeError && reads.seen() ? beforePassport(error) : error;
  } finally {
    reads.stop();
  }
}

/** Whether the session has a user of passport's that passport.session() has not put on the request. */
export function isBeforePassport(req: Request): boolean {
  const { session } = req as { session?: { passport?: { user?: unknown } | null } | null };
  return !Object.hasOwn(req, "user") && (session?.passport?.user ?? undefined) !== undefined;
}

/** Notices whether `req.user`, which is not there, is read. */
function watchUser(req: Request): { seen: () => boolean; stop: () => void } {
  let wasRead = false;
  Object.defineProperty(req, "user", {
    configurable: true,
    enumerable: true,
    get: () => {
      wasRead = true;
      return undefined;
    },
    set: (value: unknown) => {
      Object.defineProperty(req, "user", { value, configurable: true, enumerable: true, writable: true });
    },
  });
  const stop = (): void => {
    const isSet = Object.getOwnPropertyDescriptor(req, "user")?.get === undefined;
    if (!isSet) Reflect.deleteProperty(req, "user");
  };
  return { seen: () => wasRead, stop };
}

function beforePassport(cause?: unknown): LogoutError {
  return new LogoutError(
    "ERR_SESSION_ORDER",
    `console.authorize found no req.user, since passport.session() has not run yet. ${PASSPORT_FIX}`,
    cause === undefined ? {} : { cause },
  );
}

const warned = new WeakSet();

/** Warns once of a CSRF protection that is mounted before the middleware: it refuses the forms of the pages. */
export function warnOfCsrfBefore(context: object, req: object): void {
  if (!isAfterCsrf(req) || warned.has(context)) return;
  warned.add(context);
  warn("EXPRESS_LOGOUT_CSRF_ORDER", `${CSRF_BEFORE} ${CSRF_FIX}`);
}

/** Whether a CSRF protection has seen the request: csurf, lusca, csrf-sync and csrf-csrf put this function on it. */
export function isAfterCsrf(req: object): boolean {
  return typeof (req as { csrfToken?: unknown }).csrfToken === "function";
}
