import { emitWarning } from "node:process";

/** Emits a process warning for the developers of an app. */
export function warn(code: string, message: string): void {
  emitWarning(message, { type: "ExpressLogoutWarning", code });
}
