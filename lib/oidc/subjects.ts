import { isObject } from "../options/checks.js";
import type { LoginKey } from "../types/login-keys.js";
import type { UserId } from "../types/login.js";
import { isId, sessionKey, userKey } from "./keys.js";
import type { SecurityEventOptions } from "./options.js";

type Subject = Readonly<Record<string, unknown>>;

/** What a subject names. */
export interface Named {
  readonly keys: readonly LoginKey[];
  readonly userIds: readonly UserId[];
}

const NONE: Named = { keys: [], userIds: [] };
/** So many identifiers of one user are looked at. */
const MAX_ALIASES = 20;

/**
 * Resolves a subject identifier (RFC 9493), and the complex subjects of the Shared Signals Framework 1.0. An issuer and subject of
 * this provider is a key of its logins. The app is asked for that one too, and for every other one.
 */
export async function resolve(
  subject: unknown,
  issuer: string,
  resolveSubject: SecurityEventOptions["resolveSubject"],
): Promise<Named> {
  if (!isObject(subject)) return NONE;
  const given = subject as Subject;
  const { iss, sub, id, session, device, user, identifiers } = given;
  const ask = async (): Promise<readonly UserId[]> => (await resolveSubject?.(given)) ?? [];
  switch (formatOf(given)) {
    case "iss_sub":
      // The issuer of events may be another one than that of ID tokens, as with Google: then only the app knows the user.
      if (iss === issuer && isId(sub)) return { keys: [userKey(issuer, sub)], userIds: await ask() };
      break;
    case "aliases": {
      const list: readonly unknown[] = Array.isArray(identifiers) ? identifiers.slice(0, MAX_ALIASES) : [];
      const found = await Promise.all(list.map((each) => resolve(each, issuer, resolveSubject)));
      return { keys: found.flatMap(({ keys }) => keys), userIds: found.flatMap(({ userIds }) => userIds) };
    }
    case "complex":
      // One session of a user: the other ones stay.
      if (isObject(session) && formatOf(session as Subject) === "opaque" && isId((session as Subject)["id"])) {
        return { ...NONE, keys: [sessionKey(issuer, String((session as Subject)["id"]))] };
      }
      // Another session, or one device, is less than all logins of the user: only the app knows which ones.
      if (isObject(user) && session === undefined && device === undefined) return resolve(user, issuer, resolveSubject);
      break;
    case "opaque":
      if (!isId(id)) return NONE;
  }
  return { ...NONE, userIds: await ask() };
}

/** Older transmitters write `subject_type: "iss-sub"`, and leave the format of a complex subject out. */
function formatOf({ format, subject_type: older, user, session }: Subject): string {
  if (typeof format === "string") return format;
  if (typeof older === "string") return older.replaceAll("-", "_");
  return isObject(user) || isObject(session) ? "complex" : "";
}
