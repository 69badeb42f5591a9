import type { AuditEntry } from "../../audit/entry.js";
import type { LoginView } from "../../pages/login-view.js";
import type { Texts } from "../../pages/texts/index.js";
import type { OnlineUser } from "../../pages/user-row.js";
import type { UserView } from "../../pages/user-view.js";
import { deviceInWords, readDevice } from "../../util/device.js";
import { lastActiveOf } from "../../util/last-active.js";

// What pages show as JSON, for screens of the app's own. docs/reference/openapi.json describes it. JSON omits undefined members.

export function userJson({ id, profile }: UserView): object {
  return { ...profile, id };
}

/** @param currentId - the login that the request comes from */
export function loginJson(login: LoginView, currentId: string, texts: Texts): object {
  const { id, ip, place, method, isNew, began, lastActive, expires } = login;
  const device = readDevice(login.userAgent);
  const browser = deviceInWords(device, texts.browserOn);
  return {
    id,
    isCurrent: id === currentId,
    isNew,
    device: device.kind,
    browser,
    ip,
    place,
    method,
    began,
    lastActive,
    expires,
  };
}

export function onlineUserJson({ person, logins, loginsCount }: OnlineUser, currentId: string, texts: Texts): object {
  return {
    ...userJson(person),
    loginsCount,
    lastActive: lastActiveOf(logins),
    logins: logins.map((login) => loginJson(login, currentId, texts)),
  };
}

export function entryJson({ id, at, action, outcome, userId, logins, by, reason }: AuditEntry): object {
  return { id, at, action, outcome, userId, logins, by, reason };
}
