/** Where a logout leads, or why it leads nowhere. */
export type Redirect = { readonly to: string } | { readonly refusal: string };

/**
 * Where `redirect_uri` leads: only to an address on the application's list, matched whole, and sent as it stands there.
 *
 * Source: OWASP ASVS 5.0 3.7.2; RFC 9700 section 4.11.
 */
export function resolveRedirect(given: unknown, redirectUris: readonly string[], home: string): Redirect {
  if (given === undefined || given === "") return { to: home };
  if (typeof given !== "string") return { refusal: "redirect_uri must be given once." };
  const address = parsed(given);
  if (address !== undefined && redirectUris.includes(address)) return { to: address };
  const cutOff = redirectUris.some(
    (uri) => uri.startsWith(`${String(address)}&`) || uri.startsWith(`${String(address)}#`),
  );
  return {
    refusal: cutOff
      ? "redirect_uri looks cut off: it must be encoded with encodeURIComponent."
      : "redirect_uri is not on this application's list of logout callback URLs.",
  };
}

/** The address in the one form in which it can be compared; `undefined` for what a browser might read differently. */
function parsed(given: string): string | undefined {
  // URL parsers drop tabs and line breaks, and take a backslash for a slash.
  if (/[\u0000-\u0020\u007f\\]/.test(given) || !URL.canParse(given)) return undefined;
  return new URL(given).href;
}
