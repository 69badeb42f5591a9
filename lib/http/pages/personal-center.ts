import type { Request, Response } from "express";
import type { Login } from "../../types/login.js";
import type { KickOptions } from "../../logins/logins.js";
import { MAX_SHOWN, personalCenterPage } from "../../pages/personal-center.js";
import { homeUrl, loginUrl } from "../addresses.js";
import { redirectTo, sendNotice, sendPage } from "../responses.js";
import { readForm, readOptionalForm } from "../body.js";
import type { Handler, HttpContext } from "../context.js";
import { onlyValueOf, queryOf, valueOf, type Fields } from "../fields.js";
import { mustBeSameOrigin } from "../origin.js";
import { userPageContext, joinPath, textsOf } from "./page-context.js";
import { countOf, truncateKickText, pageUrl, requireLogin } from "./require-login.js";

/** `GET /u`: where the user is logged in. */
export const showPersonalCenter: Handler = async (context, req, res) => {
  const current = await requireLogin(context, req, res);
  if (current === undefined) return;
  const frame = await userPageContext(context, req, current.userId);
  const { items, total } = await context.logins.list(current.userId, { limit: MAX_SHOWN });
  const others = items.filter(({ id }) => id !== current.id);
  // Not among them, it is counted if it is older than all of them.
  const isCounted = others.length < items.length || items.length < total;
  const ended = countOf(onlyValueOf(queryOf(req), "ended"));
  const url = pageUrl(context, req, "");
  const html = personalCenterPage({
    frame,
    logins: [current, ...others].slice(0, MAX_SHOWN),
    total: isCounted ? total : total + 1,
    currentId: current.id,
    endLoginUrl: joinPath(url, "/end-login"),
    endOthersUrl: joinPath(url, "/end-others"),
    status: ended === undefined ? undefined : frame.texts.devicesLoggedOut(ended),
  });
  sendPage(context, res, 200, html);
};

/** `POST /u/logout`: the menu's logout. Redirects to the app's address, else to a page that confirms the logout. */
export const logoutFromMenu: Handler = async (context, req, res) => {
  mustBeSameOrigin(req, "null is accepted");
  await context.sessions.logout(req, res);
  // A body is not needed, but a connection with an unread one may be reset before the answer arrives.
  await readOptionalForm(req, res);
  const page = joinPath(pageUrl(context, req, "/logout"), "/logged-out");
  redirectTo(res, context.options.redirects.default === undefined ? page : homeUrl(context, req));
};

/** `GET /u/logged-out` */
export const showLoggedOut: Handler = (context, req, res) => {
  const texts = textsOf(context, req);
  const href = loginUrl(context, req);
  sendNotice(context, req, res, 200, {
    title: texts.loggedOut,
    link: href === false ? undefined : { href, label: texts.logInAgain },
  });
  return Promise.resolve();
};

/** `POST /u/end-login`: one other device. */
export const endOneLogin: Handler = (context, req, res) =>
  endLogins(context, req, res, { part: "/end-login", read: readForm }, async ({ userId, id }, options, form) => {
    const loginId = valueOf(form, "loginId") ?? "";
    // A stale page or a double click may ask for the one that this request comes from.
    return loginId === id ? 0 : (await context.logins.kickLogin(userId, loginId, options, true)).logins;
  });

/** `POST /u/end-others`: every other device. */
export const endOtherLogins: Handler = (context, req, res) =>
  endLogins(
    context,
    req,
    res,
    { part: "/end-others", read: readOptionalForm },
    async ({ userId, id }, options) => (await context.logins.kick(userId, { ...options, except: id })).logins,
  );

interface EndForm {
  readonly part: string;
  /** Reads the form, also for `confirmIdentity`, which may look for a field of its own in `req.body`. */
  readonly read: typeof readForm;
}

/** Ends logins of the user who asks, never the one that the request comes from. */
async function endLogins(
  context: HttpContext,
  req: Request,
  res: Response,
  { part, read }: EndForm,
  end: (current: Login, options: KickOptions, form: Fields) => Promise<number>,
): Promise<void> {
  mustBeSameOrigin(req);
  const current = await requireLogin(context, req, res);
  if (current === undefined) return;
  const form = await read(req, res);
  if (!(await isConfirmed(context, req, res))) return;
  const reason = textsOf(context, req).loggedOutByYourself;
  const ended = await end(current, { reason, by: truncateKickText(current.userId) }, form);
  redirectTo(res, `${pageUrl(context, req, part)}?ended=${String(ended)}`);
}

async function isConfirmed(context: HttpContext, req: Request, res: Response): Promise<boolean> {
  const confirmed: unknown = await context.options.pages.confirmIdentity(req);
  if (confirmed === true) return true;
  if (typeof confirmed === "string") redirectTo(res, confirmed);
  else sendNotice(context, req, res, 403, { title: textsOf(context, req).confirmIdentity });
  return false;
}
