import type { Request, RequestHandler } from "express";
import type { SessionData } from "express-session";
import type { LoginKey, UserId } from "express-logout";

declare module "express-session" {
  interface SessionData {
    /** The administrator who acts as `userId`. */
    adminId?: string | undefined;
  }
}

/** For `logout({ userId, logins: { keys } })`: a session of an administrator who acts as a customer is one of the customer's logins. */
export const userId = (session: SessionData): UserId | undefined => session.userId;

/** A kick of the administrator ends it, too. */
export const keys = ({ adminId }: SessionData): LoginKey[] => (adminId === undefined ? [] : [{ user: adminId }]);

/** Call it where the app has checked that `adminId` may act as `customerId`. */
export async function actAs(req: Request, adminId: string, customerId: string): Promise<void> {
  await regenerate(req);
  Object.assign(req.session, { userId: customerId, adminId });
}

/** For a POST. */
export const stopActing: RequestHandler = (req, res, next) => {
  const { adminId } = req.session;
  if (adminId === undefined) {
    res.redirect(303, "/");
    return;
  }
  regenerate(req).then(() => {
    Object.assign(req.session, { userId: adminId });
    res.redirect(303, "/");
  }, next);
};

function regenerate(req: Request): Promise<void> {
  return new Promise((resolve, reject) => {
    req.session.regenerate((error: unknown) => {
      if (error === undefined || error === null) resolve();
      else reject(error instanceof Error ? error : new Error("the session was not regenerated"));
    });
  });
}
