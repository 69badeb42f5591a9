/**
 * Writes any string with characters that are harmless in a key: no brace (which would split the hash tag), no colon.
 * Lone surrogates, which UTF-8 cannot carry and `encodeURIComponent` refuses, become `%uD800` and the like, so that two
 * different user ids never meet in one key.
 */
export function encodePart(text: string): string {
  if (text.isWellFormed()) return encodeURIComponent(text);
  return text
    .split(/(\p{Surrogate})/u)
    .map((part, index) => (index % 2 === 0 ? encodeURIComponent(part) : `%u${hex(part)}`))
    .join("");
}

/** Reads what {@link encodePart} wrote. */
export function decodePart(encoded: string): string {
  return encoded
    .split(/%u([0-9A-F]{4})/)
    .map((part, index) => (index % 2 === 0 ? decodeURIComponent(part) : String.fromCharCode(parseInt(part, 16))))
    .join("");
}

function hex(surrogate: string): string {
  return surrogate.charCodeAt(0).toString(16).toUpperCase();
}

/** The keys of one user. One hash tag, so that a script on all of them stays in one slot of a Cluster. */
export interface UserKeys {
  /** Hash: login id → record. */
  readonly logins: string;
  /** Hash: `*` → the last kick of the user, `*spared` → the login it has spared; `=` and a login id → how often, and why, this login was ended. */
  readonly ended: string;
  /** Hash: the logins of a kick that is not settled yet. */
  readonly kicked: string;
  /** Sorted set, of a user with many logins alone: login id → when it began, below zero where it is not shown. */
  readonly order: string;
}

/** The keys of one application. */
export interface AppKeys {
  /**
   * Sorted set: user → last activity, in microseconds; below zero where no login of the user is shown. A user with a space and
   * a nonce behind it: a login is being adopted.
   */
  readonly active: string;
  /** Sorted set: the same → when to look whether the user still has a login that is shown, in milliseconds. */
  readonly expiry: string;
  /** String: the last kick of everyone. */
  readonly everyone: string;
  /** Channel: which logins have ended. */
  readonly notifications: string;
  /** What every key of every user begins with. */
  readonly users: string;
}

export function appKeys(prefix: string, appId: string): AppKeys {
  const id = encodePart(appId);
  const app = `${prefix}{${id}}`;
  return {
    active: `${app}:active`,
    expiry: `${app}:expiry`,
    everyone: `${app}:everyone`,
    notifications: `${app}:news`,
    users: `${prefix}{${id}:`,
  };
}

export function userKeys(app: AppKeys, userId: string): UserKeys {
  const user = `${app.users}${encodePart(userId)}}`;
  return { logins: loginsKey(app, userId), ended: `${user}:ended`, kicked: `${user}:kicked`, order: `${user}:order` };
}

/** One of them alone, which every request asks for. */
export function loginsKey(app: AppKeys, userId: string): string {
  return `${app.users}${encodePart(userId)}}:logins`;
}
