import { LogoutError } from "../errors.js";

/** Returns the attribute of a failed call: the code of an error of this package. Other errors may carry anything in theirs. */
export function errorType(error: Error | undefined): { readonly "error.type"?: string } {
  if (error === undefined) return {};
  return { "error.type": LogoutError.is(error) ? error.code : "_OTHER" };
}
