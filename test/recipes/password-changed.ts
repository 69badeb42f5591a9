import type { RequestHandler } from "express";
import { LogoutError, type LogoutMiddleware } from "express-logout";

/** A handler for the form that changes a password: ends every login of the user, and logs this browser in again. */
export function passwordChanged(
  auth: LogoutMiddleware,
  changePassword: (userId: string, body: unknown) => Promise<boolean>,
  onIncomplete: (userIds: readonly string[]) => void,
): RequestHandler {
  return async function password(req, res, next) {
    try {
      const login = await auth.currentLogin(req);
      if (login === undefined || !(await changePassword(login.userId, req.body))) {
        res.sendStatus(login === undefined ? 401 : 400);
        return;
      }
      await auth.kick(login.userId, { reason: "Your password was changed.", by: "password form" });
      await auth.startLogin(req);
      Object.assign(req.session, { userId: login.userId });
      req.session.save((error?: unknown) => (error ? next(error) : res.sendStatus(204)));
    } catch (error) {
      // Redis or the session store did not respond: nothing is lost, and the kick can be repeated.
      if (LogoutError.is(error, "ERR_KICK_INCOMPLETE", "ERR_WRITE_NOT_REPLICATED"))
        onIncomplete(error.details?.userIds ?? []);
      next(error);
    }
  };
}
