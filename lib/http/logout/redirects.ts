/** The way back that a client has asked for. */
export interface WayBack {
  /** The name of its parameter. */
  readonly name: string;
  /** A text, or several where it is given several times. */
  readonly given: unknown;
  /** Comes back to the client unchanged. Source: OpenID Connect RP-Initiated Logout 1.0 section 3. */
  readonly state?: string | undefined;
}

/** Where a logout leads, or why it leads nowhere. */
export type Redirect = { readonly to: string } | { readonly refusal: string };

/**
 * Where a way back leads: only to an address on the application's list, matched whole, and sent as it stands there.
 *
 * Source: OWASP ASVS 5.0 3.7.2; RFC 9700 section 4.11.
 */
export function resolveRedirect(
  { name, given, state }: WayBack,
  redirectUris: readonly string[],
  home: string,
): Redirect {
  if (given === undefined || given === "") return { to: home };
  if (typeof given !== "string") return { refusal: `${name} must be given once.` };
  const address = parsed(given);
  if (address !== undefined && redirectUris.includes(address)) return { to: withState(address, state) };
  const cutOff = redirectUris.some(
    (uri) => uri.startsWith(`${String(address)}&`) || uri.startsWith(`${String(address)}#`),
  );
  return {
    refusal: cutOff
      ? `${name} looks cut off: it must be encoded with encodeURIComponent.`
      : `${name} is not on this application's list of logout callback URLs.`,
  };
}

function withState(address: string, state: string | undefined): string {
  if (state === undefined) return address;
  const url = new URL(address);
  // The rest stays as it stands on the list: `searchParams` would write it anew.
  url.search += `${url.search === "" ? "?" : "&"}state=${encodeURIComponent(state)}`;
  return url.href;
}

/** The address in the one form in which it can be compared; `undefined` for what a browser might read differently. */
function parsed(given: string): string | undefined {
  // URL parsers drop tabs and line breaks, and take a backslash for a slash.
  if (/[\u0000-\u0020\u007f\\]/.test(given) || !URL.canParse(given)) return undefined;
  return new URL(given).href;
}
