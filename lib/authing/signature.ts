import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** The schemes of signed requests, and what their headers begin with. */
const HEADERS = { authing: "x-authing-", genauth: "x-genauth-" } as const;
const AUTHORIZATION = /^(authing|genauth) ([^:]+):([\w+/]{27}=)$/i;

/** What `Authorization` says of a signed request: `authing <access key id>:<base64 of HMAC-SHA1>`, or `GenAuth …`. */
export interface Signature {
  /** What the headers begin with that are signed, beside `Date`. */
  readonly headers: (typeof HEADERS)[keyof typeof HEADERS];
  readonly keyId: string;
  readonly hmac: Buffer;
}

/** Returns `undefined` for anything else. */
export function parseSignature(authorization: string | undefined): Signature | undefined {
  const [, scheme = "", keyId = "", hmac = ""] = AUTHORIZATION.exec(authorization ?? "") ?? [];
  if (hmac === "") return undefined;
  const headers = HEADERS[scheme.toLowerCase() as keyof typeof HEADERS];
  return { headers, keyId, hmac: Buffer.from(hmac, "base64") };
}

/** What is signed of a request. */
export interface SignedRequest {
  readonly method: string;
  /** Below the place that the router is mounted at: clients sign the path of the call alone. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** The members of the JSON body. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** Returns whether a signature was made with this secret. */
export function isSignedWith(secret: string, { headers, hmac }: Signature, request: SignedRequest): boolean {
  const expected = createHmac("sha1", secret).update(stringToSign(headers, request)).digest();
  return expected.length === hmac.length && timingSafeEqual(expected, hmac);
}

/**
 * Returns the string that clients sign: the method, the headers by name, then the path with the parameters by name.
 *
 * Source: `buildSignature.ts` of authing-node-sdk 4 and genauth-node-sdk.
 */
export function stringToSign(
  prefix: Signature["headers"],
  { method, path, headers, parameters }: SignedRequest,
): string {
  const lines = Object.keys(headers)
    .filter((name) => name.startsWith(prefix) || name === "date")
    .sort()
    .map(
      (name) =>
        `${name}:${[headers[name]]
          .flat()
          .join(", ")
          .replace(/[\t\n\r\f]/g, " ")
          .trim()}`,
    );
  const pairs = Object.keys(parameters)
    .sort()
    .map((name) => `${name}=${textOf(parameters[name])}`);
  return [method, ...lines, pairs.length === 0 ? path : `${path}?${pairs.join("&")}`].join("\n");
}

function textOf(value: unknown): string {
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}
