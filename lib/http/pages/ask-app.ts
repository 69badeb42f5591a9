import type { UserProfile } from "../../types/login.js";
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
