/**
 * Returns a copy of a client's or store's error that is safe to log: name, code and message only, with every text of `hidden`
 * removed from the message. The original may carry the command and its arguments, session ids among them.
 */
export function redactError(error: unknown, hidden: readonly string[]): Error {
  const { name, code, message } = isError(error) ? error : (new Error(String(error)) as NodeJS.ErrnoException);
  // The message of a parser quotes the input.
  const redacted = name === "SyntaxError" ? "data cannot be parsed" : without(hidden, message);
  const copy: NodeJS.ErrnoException = new Error(redacted || code);
  copy.name = name;
  if (code !== undefined) copy.code = code;
  return copy;
}

/** Errors of better-sqlite3 are not native errors, and those of another realm are not instances of `Error`. */
function isError(error: unknown): error is NodeJS.ErrnoException {
  return typeof error === "object" && error !== null && "message" in error && typeof error.message === "string";
}

function without(hidden: readonly string[], message: string): string {
  // Redis truncates the arguments that it quotes here, so a search for the hidden texts would miss them.
  const [beginning = ""] = message.split(", with args beginning with");
  return hidden.reduce((text, each) => (each.length > 3 ? text.replaceAll(each, "…") : text), beginning);
}
