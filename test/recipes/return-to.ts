import type { RequestHandler } from "express";

/**
 * A middleware for the login page: `app.get("/login", keepReturnTo, …)`. It keeps the way back where connect-ensure-login and
 * passport's `successReturnToOrRedirect` (with `keepSessionInfo: true`) read it.
 */
export const keepReturnTo: RequestHandler = (req, _res, next) => {
  const { returnTo } = req.query;
  // A path of this site: with two slashes, a backslash or a line break it could name another one.
  if (typeof returnTo === "string" && /^\/(?![/\\])[^\\\p{Cc}]*$/u.test(returnTo)) {
    Object.assign(req.session, { returnTo });
  }
  next();
};
