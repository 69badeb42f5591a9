import type { RequestHandler } from "express";
import type { LogoutMiddleware } from "express-logout";

/** A handler for `app.post("/confirm", …)`: checks the password again, and goes back to the page that asked for it. */
export function confirmPassword(
  auth: LogoutMiddleware,
  checkPassword: (userId: string, body: unknown) => Promise<boolean>,
): RequestHandler {
  return async function confirm(req, res, next) {
    try {
      const login = await auth.currentLogin(req);
      if (login === undefined || !(await checkPassword(login.userId, req.body))) {
        res.sendStatus(401);
        return;
      }
      await auth.confirmLogin(req);
      res.redirect(303, returnPath((req.body as { returnTo?: unknown }).returnTo));
    } catch (error) {
      next(error);
    }
  };
}

/** A path of this site: with two slashes, a backslash or a line break it could name another one. */
export function returnPath(returnTo: unknown): string {
  return typeof returnTo === "string" && /^\/(?![/\\])[^\\\p{Cc}]*$/u.test(returnTo) ? returnTo : "/";
}
