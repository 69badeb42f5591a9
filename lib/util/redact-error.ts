import { isNativeError } from "node:util/types";

/**
 * What may be told of an error of a client or a store. They may carry the command with its arguments, or quote some of them
 * in the message: session ids among them. So this is another error, with the name, the code and the message alone, and of
 * the message only what is not to be hidden.
 */
export function redactError(error: unknown, hidden: readonly string[]): Error {
  const { name, code, message } = (isNativeError(error) ? error : new Error(String(error))) as NodeJS.ErrnoException;
  // A parser quotes what it could not read.
  const told = name === "SyntaxError" ? "what was read is not what it should be" : without(hidden, message);
  const cause: NodeJS.ErrnoException = new Error(told || code);
  cause.name = name;
  if (code !== undefined) cause.code = code;
  return cause;
}

function without(hidden: readonly string[], message: string): string {
  // Redis cuts long arguments here, so that they could not be found in the rest of the message.
  const [beginning = ""] = message.split(", with args beginning with");
  return hidden.reduce((text, each) => (each.length > 3 ? text.replaceAll(each, "…") : text), beginning);
}
