import { LogoutError } from "../errors.js";
import { redactError } from "../util/redact-error.js";
import jose from "./jose.cjs";

export type Jose = ReturnType<typeof jose.load>;

/** Returns `jose`, loaded at the first call. @throws what Node throws */
export const loadJose = (): Jose => jose.load();

/**
 * Checks at set-up that `jose` is there, without loading it.
 *
 * @param call - the function that needs it, for the message
 * @throws LogoutError `ERR_OPTION_INVALID` if it is not installed
 */
export function requireJose(call: string): void {
  if (isFound()) return;
  try {
    jose.load();
  } catch (error) {
    throw new LogoutError("ERR_OPTION_INVALID", `${call} needs jose 6. Run npm install jose.`, {
      cause: redactError(error, []),
    });
  }
}

function isFound(): boolean {
  try {
    jose.find();
    return true;
  } catch {
    // A bundle holds the package, and has no file to find: it is loaded instead.
    return false;
  }
}
