import type { Store } from "express-session";
import type { SessionRecord } from "./stamp.js";

/** What express-session puts on a request. */
export interface RequestWithSession {
  sessionID: string;
  session?: SessionRecord | null;
  sessionStore?: Store;
}

/** The request whose session this is: express-session keeps it in a property that is not enumerable. */
export function requestOf(session: SessionRecord): object | undefined {
  const { req } = session;
  const isOwnData = Object.prototype.propertyIsEnumerable.call(session, "req");
  return typeof req === "object" && req !== null && !isOwnData ? req : undefined;
}

/** The descriptor of a method that puts something around the one of the prototype. */
export function methodAround(
  name: string,
  around: (session: SessionRecord, method: () => unknown) => unknown,
): PropertyDescriptor {
  const value = function (this: SessionRecord, ...args: unknown[]): unknown {
    const { [name]: method } = Object.getPrototypeOf(this) as Record<string, (...args: unknown[]) => unknown>;
    return around(this, () => method?.apply(this, args));
  };
  return { value, configurable: true, enumerable: false, writable: true };
}
