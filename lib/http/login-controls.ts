import type { LogoutControls } from "../controls.js";
import { deviceInfoOf } from "../util/device-info.js";
import { currentLogin, requireCurrentLogin, type HttpContext } from "./context.js";

type LoginControls = Pick<
  LogoutControls,
  | "kick"
  | "kickLogin"
  | "kickOthers"
  | "kickByKey"
  | "kickAll"
  | "kickWhere"
  | "listLogins"
  | "listActiveUsers"
  | "currentLogin"
  | "logout"
  | "rejection"
>;

/** The controls that kick and list logins, and those of the login of a request. */
export function loginControls(context: HttpContext): LoginControls {
  const { logins, sessions } = context;
  return {
    kick: (userIds, options) => logins.kick(userIds, options),
    kickLogin: (userId, loginId, options) => logins.kickLogin(userId, loginId, options),
    kickOthers: async (req, options) => {
      const { userId, id } = await requireCurrentLogin(context, req, "kickOthers(req)");
      return logins.kick(userId, { ...options, except: id, from: deviceInfoOf(req) });
    },
    kickByKey: (key, { reason, by, authenticatedBefore } = {}) =>
      logins.kickByKey(key, { reason, by, authenticatedBefore, recordsEmptyKick: true }),
    kickAll: (options) => logins.kickAll(options),
    kickWhere: (where, options) => logins.kickWhere(where, options),
    listLogins: (userId, page) => logins.list(userId, page),
    listActiveUsers: (page) => logins.listActiveUsers(page),
    currentLogin: (req) => currentLogin(context, req),
    logout: (req, res) => sessions.logout(req, res),
    rejection: (req) => sessions.rejectionOf(req),
  };
}
