import type { Login, UserProfile } from "../../types/login.js";
import { withNews, type LoginView } from "../../pages/login-view.js";
import { toUserView, type UserView } from "../../pages/user-view.js";
import type { HandlerContext } from "../context.js";
import { debugError } from "../../util/debug.js";

/** How long a page waits for a function of the app. */
const ASKED_MS = 500;

/** Returns what a function of the app returns, or `undefined` if it fails or takes too long: a page comes without what it would have said. */
export async function askApp<Answer>(
  what: string,
  ask: () => Answer | Promise<Answer>,
  hidden: readonly string[] = [],
): Promise<Answer | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(reject, ASKED_MS, new Error(`no answer within ${String(ASKED_MS)} ms`));
  });
  try {
    return await Promise.race([(async () => ask())(), tooLate]);
  } catch (error) {
    debugError(`${what} failed`, error, hidden);
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

/** Returns a user as pages show them: by their id alone if the app fails to describe them. */
export async function describeUser({ options }: HandlerContext, userId: string): Promise<UserView> {
  const describe = (): UserProfile | undefined | Promise<UserProfile | undefined> => options.pages.describeUser(userId);
  return toUserView(userId, await askApp("pages.describeUser", describe, [userId]));
}

/** Returns logins of one user as pages show them, with the place and the method that the app knows. */
export async function describeLogins(
  { options }: HandlerContext,
  logins: readonly Login[],
): Promise<readonly LoginView[]> {
  const { describeIp, describeLogin } = options.pages;
  const addresses = describeIp === undefined ? [] : [...new Set(logins.flatMap(({ ip }) => ip ?? []))];
  const places = new Map(
    await Promise.all(
      addresses.map(async (ip) => [ip, await askApp("pages.describeIp", () => describeIp?.(ip), [ip])] as const),
    ),
  );
  const methods =
    describeLogin === undefined
      ? []
      : await Promise.all(logins.map((login) => askApp("pages.describeLogin", () => describeLogin(login), [login.id])));
  return withNews(
    logins.map((login, index) => ({
      ...login,
      place: login.ip === undefined ? undefined : places.get(login.ip),
      method: methods[index],
    })),
  );
}
