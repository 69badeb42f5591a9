import type { RequestHandler } from "express";
import type { LogoutMiddleware } from "express-logout";

/** A handler for `app.post("/login", …)`: logs in on this device, and out on every other one. */
export function oneDevice(
  auth: LogoutMiddleware,
  checkPassword: (body: unknown) => Promise<string | undefined>,
): RequestHandler {
  return async function login(req, res, next) {
    try {
      const userId = await checkPassword(req.body);
      if (userId === undefined) {
        res.sendStatus(401);
        return;
      }
      await auth.kick(userId, { reason: "You have logged in on another device." });
      await auth.startLogin(req);
      Object.assign(req.session, { userId });
      req.session.save((error?: unknown) => (error ? next(error) : res.sendStatus(204)));
    } catch (error) {
      next(error);
    }
  };
}
