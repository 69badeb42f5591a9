import type { Login } from "../../types/login.js";
import type { KickedFrom, KickOptions } from "../../logins/kick-options.js";
import { MAX_SHOWN, personalCenterPage } from "../../pages/personal-center.js";
import { deviceInfoOf } from "../../util/device-info.js";
import type { Handler, HandlerContext } from "../context.js";
import { onlyValueOf, valueOf, type Fields } from "../fields.js";
import { errorData } from "../error-data.js";
import { noticeReply } from "../notice-reply.js";
import { providerLogout } from "../logout/provider-logout.js";
import { mustBeSameOrigin } from "../origin.js";
import { isReply, jsonReply, pageOrData, redirectReply, type Reply } from "../reply.js";
import type { RouteRequest } from "../route-request.js";
import { describeLogins, describeUser } from "./ask-app.js";
import { loginJson, userJson } from "./json.js";
import { userPageContext, joinPath } from "./page-context.js";
import { requireFresh } from "./require-fresh.js";
import { countOf, truncateKickText, pageUrl, requireLogin } from "./require-login.js";

/** `GET /u`: where the user is logged in. */
export const showPersonalCenter: Handler = async (context, request) => {
  const current = await requireLogin(context, request);
  if (isReply(current)) return current;
  const { texts } = request;
  const { items, total } = await context.logins.list(current.userId, { limit: MAX_SHOWN });
  const others = items.filter(({ id }) => id !== current.id);
  // Not among them, it is counted if it is older than all of them.
  const isCounted = others.length < items.length || items.length < total;
  const shown = {
    logins: await describeLogins(context, [current, ...others.sort(byActivity)].slice(0, MAX_SHOWN)),
    total: isCounted ? total : total + 1,
  };
  if (request.wantsData) {
    const user = userJson(await describeUser(context, current.userId));
    return pageOrData({ user, ...shown, logins: shown.logins.map((login) => loginJson(login, current.id, texts)) });
  }
  const ended = countOf(onlyValueOf(request.query, "ended"));
  const url = pageUrl(request, "");
  const page = personalCenterPage({
    frame: await userPageContext(context, request, current.userId),
    ...shown,
    currentId: current.id,
    endLoginUrl: joinPath(url, "/end-login"),
    endOthersUrl: joinPath(url, "/end-others"),
    securityUrl: context.options.pages.securityUrl,
    status: ended === undefined ? undefined : texts.devicesLoggedOut(ended),
  });
  return pageOrData(page);
};

function byActivity(one: Login, other: Login): number {
  return +other.lastActive - +one.lastActive;
}

/** `POST /u/logout`: the menu's logout. Redirects to the app's address, else to a page that confirms the logout. */
export const logoutFromMenu: Handler = async (context, request) => {
  mustBeSameOrigin(request, "null is accepted");
  const atProvider = providerLogout(request);
  await request.logout();
  // A body is not needed, but a connection with an unread one may be reset before the answer arrives.
  await request.optionalForm();
  const { home } = request.addresses;
  const cookies = atProvider?.cookiesFor(undefined);
  if (request.wantsData) {
    return { ...jsonReply(200, request.texts.loggedOut, { redirectTo: atProvider?.to ?? home }), cookies };
  }
  if (atProvider !== undefined) return { ...redirectReply(atProvider.to), cookies };
  const page = joinPath(pageUrl(request, "/logout"), "/logged-out");
  return redirectReply(context.options.redirects.default === undefined ? page : home);
};

/** `GET /u/logged-out` */
export const showLoggedOut: Handler = (context, request) => {
  const { texts, addresses } = request;
  const href = addresses.login;
  const link = href === false ? undefined : { href, label: texts.logInAgain };
  return Promise.resolve(noticeReply(context, request, 200, { title: texts.loggedOut, link }));
};

/** `POST /u/end-login`: one other device. */
export const endOneLogin: Handler = (context, request) =>
  endLogins(
    context,
    request,
    { part: "/end-login", read: () => request.form() },
    async ({ userId, id }, options, form) => {
      const loginId = valueOf(form, "loginId") ?? "";
      // A stale page or a double click may ask for the one that this request comes from.
      return loginId === id ? 0 : (await context.logins.kickLogin(userId, loginId, options, true)).logins;
    },
  );

/** `POST /u/end-others`: every other device. */
export const endOtherLogins: Handler = (context, request) =>
  endLogins(
    context,
    request,
    { part: "/end-others", read: () => request.optionalForm() },
    async ({ userId, id }, options) => (await context.logins.kick(userId, { ...options, except: id })).logins,
  );

interface EndForm {
  readonly part: string;
  /** Reads the form, also for `confirmIdentity`, which may look for a field of its own in `req.body`. */
  readonly read: () => Promise<Fields>;
}

/** Ends logins of the user who asks, never the one that the request comes from. */
async function endLogins(
  context: HandlerContext,
  request: RouteRequest,
  { part, read }: EndForm,
  end: (current: Login, options: KickOptions & KickedFrom, form: Fields) => Promise<number>,
): Promise<Reply> {
  mustBeSameOrigin(request);
  const current = await requireLogin(context, request);
  if (isReply(current)) return current;
  const form = await read();
  const refusal = await confirm(context, request, pageUrl(request, part));
  if (refusal !== undefined) return refusal;
  const reason = request.texts.loggedOutByYourself;
  const from = deviceInfoOf(request.original);
  const ended = await end(current, { reason, by: truncateKickText(current.userId), from }, form);
  if (request.wantsData) return jsonReply(200, request.texts.devicesLoggedOut(ended), { ended });
  return redirectReply(`${pageUrl(request, part)}?ended=${String(ended)}`);
}

/** Returns the reply to a user who has not confirmed who they are. */
async function confirm(context: HandlerContext, request: RouteRequest, page: string): Promise<Reply | undefined> {
  const { confirmIdentity } = context.options.pages;
  if (typeof confirmIdentity === "object") return requireFresh(context, request, confirmIdentity, page);
  const confirmed: unknown = await confirmIdentity(request.original);
  if (confirmed === true) return undefined;
  const confirmUrl = typeof confirmed === "string" ? confirmed : undefined;
  if (request.wantsData) {
    return errorData(request, { status: 403, message: request.texts.confirmIdentity }, { confirmUrl });
  }
  if (confirmUrl !== undefined) return redirectReply(confirmUrl);
  return noticeReply(context, request, 403, { title: request.texts.confirmIdentity });
}
