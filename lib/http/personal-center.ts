import type { Request, Response } from "express";
import type { Login } from "../login.js";
import { personalCenterPage } from "../pages/personal-center.js";
import { redirectTo, sendNotice, sendPage } from "./answer.js";
import type { Handler, HttpContext } from "./context.js";
import { mustBeSameOrigin } from "./fetch-metadata.js";
import { frameOfUser, textsOf } from "./frame.js";
import { countFrom, fieldsOf, pageUrl, requireLogin } from "./visitor.js";

/** `GET /u`: where the user is logged in. */
export const showPersonalCenter: Handler = async (context, req, res) => {
  const current = await requireLogin(context, req, res);
  if (current === undefined) return;
  const frame = await frameOfUser(context, req, current.userId);
  const logins = await context.logins.list(current.userId);
  const ended = countFrom(req.query["ended"]);
  const url = pageUrl(req, "");
  const html = personalCenterPage({
    frame,
    logins: [current, ...logins.filter(({ id }) => id !== current.id)],
    currentId: current.id,
    endLoginUrl: `${url}/end-login`,
    endOthersUrl: `${url}/end-others`,
    status: ended === undefined ? undefined : frame.texts.devicesLoggedOut(ended),
  });
  sendPage(context, res, 200, html);
};

/** `POST /u/logout`: the menu's Logout, which leads back where the app says, else to a page that tells. */
export const logoutFromMenu: Handler = async (context, req, res) => {
  mustBeSameOrigin(req);
  await context.sessions.endLogin(req, res);
  redirectTo(res, context.options.defaultRedirect ?? `${pageUrl(req, "/logout")}/logged-out`);
};

/** `GET /u/logged-out` */
export const showLoggedOut: Handler = (context, req, res) => {
  const texts = textsOf(context, req);
  const { loginUrl } = context.options;
  sendNotice(context, req, res, 200, {
    title: texts.loggedOut,
    link: loginUrl === false ? undefined : { href: loginUrl, label: texts.logInAgain },
  });
  return Promise.resolve();
};

/** `POST /u/end-login`: one other device. */
export const endOneLogin: Handler = (context, req, res) => {
  const [loginId] = fieldsOf(req.body, "loginId");
  return endLogins(context, req, res, "/end-login", (login) => login.id === loginId);
};

/** `POST /u/end-others`: every other device. */
export const endOtherLogins: Handler = (context, req, res) => endLogins(context, req, res, "/end-others", () => true);

/** Ends the user's chosen logins, never the one that this request comes from: a stale page or a double click may ask for it. */
async function endLogins(
  context: HttpContext,
  req: Request,
  res: Response,
  part: string,
  isChosen: (login: Login) => boolean,
): Promise<void> {
  mustBeSameOrigin(req);
  const current = await requireLogin(context, req, res);
  if (current === undefined || !(await isConfirmed(context, req, res))) return;
  const { userId } = current;
  const reason = textsOf(context, req).loggedOutByYourself;
  let ended = 0;
  for (const login of await context.logins.list(userId)) {
    if (login.id === current.id || !isChosen(login)) continue;
    ended += (await context.logins.kickLogin(userId, login.id, { reason, by: userId })).logins;
  }
  redirectTo(res, `${pageUrl(req, part)}?ended=${String(ended)}`);
}

async function isConfirmed(context: HttpContext, req: Request, res: Response): Promise<boolean> {
  const confirmed: unknown = await context.options.confirmIdentity(req);
  if (confirmed === true) return true;
  if (typeof confirmed === "string") redirectTo(res, confirmed);
  else sendNotice(context, req, res, 403, { title: textsOf(context, req).identityNotConfirmed });
  return false;
}
