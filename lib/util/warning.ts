import { emitWarning } from "node:process";

/** Warns the developers of an app, once for each call, by a warning of the process. */
export function warn(code: string, message: string): void {
  emitWarning(message, { type: "ExpressLogoutWarning", code });
}
