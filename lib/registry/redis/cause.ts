import { isNativeError } from "node:util/types";

/**
 * What may be told of a client's error. The errors of ioredis carry the command with its arguments, and Redis itself quotes
 * arguments in some messages: session ids among them. So this is another error, with the name, the code and the message
 * alone, and of the message only what is not an argument.
 */
export function causeOf(error: unknown, args: readonly string[]): Error {
  const { name, code, message } = (isNativeError(error) ? error : new Error(String(error))) as NodeJS.ErrnoException;
  const cause: NodeJS.ErrnoException = new Error(withoutArguments(message, args) || code);
  cause.name = name;
  if (code !== undefined) cause.code = code;
  return cause;
}

function withoutArguments(message: string, args: readonly string[]): string {
  // Redis cuts long arguments here, so that they could not be found in the rest of the message.
  const [beginning = ""] = message.split(", with args beginning with");
  return args.slice(1).reduce((text, arg) => (arg.length > 3 ? text.replaceAll(arg, "…") : text), beginning);
}
