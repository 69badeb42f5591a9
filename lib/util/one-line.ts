/** Replaces what would begin a new line in a log, or control a terminal. Source: OWASP ASVS 5.0 16.4.1. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, " ").toWellFormed();
}

/** The same for a text that may be missing. */
export function optionalLine(text: string | undefined): string | undefined {
  return text === undefined ? undefined : oneLine(text);
}
