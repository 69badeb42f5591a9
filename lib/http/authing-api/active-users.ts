import { LogoutError } from "../../errors.js";
import type { Login } from "../../types/login.js";
import { deviceInWords, readDevice } from "../../util/device.js";
import { LOCALES } from "../../pages/texts/index.js";
import { authenticate, authorize } from "./authenticate.js";
import { lastActiveOf } from "../../util/last-active.js";
import { knownFacts } from "../../util/profile.js";
import type { Handler, HandlerContext } from "../context.js";
import type { Fields } from "../fields.js";
import { jsonReply } from "../reply.js";

/** `GET /api/applications/:appId/active-users?page=1&limit=10`: who is online, newest activity first. */
export const activeUsers: Handler = async (context, request) => {
  const caller = authenticate(context, request);
  const page = readPage(request.query);
  await authorize(context, caller, request, { action: "list" });
  return jsonReply(200, "Active users", { data: await listUsers(context, page) });
};

/** A page as the contract counts them. */
export interface NumberedPage {
  /** From 1. */
  readonly page: number;
  /** From 1 to 50. */
  readonly limit: number;
}

/** An entry of the contract: what is known of a user and their latest login. */
export type ActiveUserEntry = ReturnType<typeof entry>;

/** Lists the users who are online, newest activity first. */
export async function listUsers(
  { logins, options }: HandlerContext,
  { page, limit }: NumberedPage,
): Promise<{ totalCount: number; list: ActiveUserEntry[] }> {
  const { total: totalCount, items: users } = await logins.activeUsers({ offset: (page - 1) * limit, limit });
  const list = await Promise.all(
    users.map(async ({ userId, ...live }) => entry(userId, live, await options.pages.describeUser(userId))),
  );
  return { totalCount, list };
}

/** @throws LogoutError `ERR_REQUEST_INVALID` 400 */
export function readPage(query: Fields): NumberedPage {
  return {
    page: readWholeNumber(query, "page", 1, 1_000_000_000),
    limit: readWholeNumber(query, "limit", 10, 50),
  };
}

/** Returns the contract's entry of a user and their latest login. JSON omits undefined members. */
function entry(
  userId: string,
  { logins, loginsCount }: { readonly logins: readonly Login[]; readonly loginsCount: number },
  profile: object | undefined,
) {
  const [latest] = logins;
  const device = readDevice(latest?.userAgent);
  return {
    ...knownFacts(profile),
    id: userId,
    lastLogin: latest?.began.toISOString(),
    lastIp: latest?.ip,
    lastActive: lastActiveOf(logins).toISOString(),
    device: device.kind,
    browser: deviceInWords(device, LOCALES.en.browserOn),
    loginsCount,
  };
}

function readWholeNumber(query: Fields, name: string, fallback: number, most: number): number {
  const [given, ...more] = query(name);
  if (given === undefined) return fallback;
  const value = more.length === 0 && /^[0-9]{1,10}$/.test(given) ? Number(given) : 0;
  if (value >= 1 && value <= most) return value;
  throw new LogoutError("ERR_REQUEST_INVALID", `${name} must be a whole number from 1 to ${String(most)}.`);
}
