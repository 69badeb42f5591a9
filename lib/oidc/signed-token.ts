import { isObject } from "../options/checks.js";
import { debugError } from "../util/debug.js";
import { loadJose } from "../jose/load-jose.js";
import type { ProviderKeys } from "./provider-keys.js";
import { Refusal } from "./refusal.js";
import type { ResolvedOidc } from "./resolve-options.js";

/** The claims of a token whose signature is valid. */
export type Claims = Readonly<Record<string, unknown>>;

/** What a receiver works with. */
export interface Receiver {
  readonly options: ResolvedOidc;
  readonly keys: ProviderKeys;
}

interface Header {
  readonly alg?: unknown;
  readonly typ?: unknown;
  readonly crit?: unknown;
}

/**
 * Returns the claims of a signed token: a compact JWS of the accepted types and algorithms, by a key of the provider. Nothing else
 * in the header is used.
 *
 * @param types - the accepted media types, in lower case, without `application/`; `""` for none
 * @throws Refusal
 */
export async function readSigned(receiver: Receiver, token: string, types: readonly string[]): Promise<Claims> {
  const { keys, options } = receiver;
  const jws = await decrypted(receiver, token);
  const { algorithms } = options.provider;
  checkHeader(headerOf(jws), types, algorithms);
  const { compactVerify } = loadJose();
  const { payload } = await compactVerify(jws, keys.get, { algorithms: [...algorithms] }).catch((error: unknown) => {
    if (error instanceof Refusal) throw error;
    debugError("the signature of a token is not valid", error, [jws]);
    throw new Refusal("signature");
  });
  return claimsIn(payload);
}

const PART = "[A-Za-z0-9_-]+";
const JWS = new RegExp(`^${PART}\\.${PART}\\.${PART}$`);
/** The encrypted key is empty with `dir`. */
const JWE = new RegExp(`^${PART}\\.[A-Za-z0-9_-]*\\.${PART}\\.${PART}\\.${PART}$`);

async function decrypted({ options }: Receiver, token: string): Promise<string> {
  if (!JWE.test(token)) return token;
  if (options.decrypt === undefined) throw new Refusal("encrypted");
  try {
    const jws: unknown = await options.decrypt(token);
    if (typeof jws === "string") return jws;
    throw new TypeError("decrypt must return a text.");
  } catch (error) {
    debugError("a token could not be decrypted", error, [token]);
    throw new Refusal("decryption");
  }
}

function headerOf(jws: string): Header {
  // An unsigned token has an empty last part.
  if (!JWS.test(jws)) throw new Refusal("shape");
  const header = parsed(Buffer.from(jws.slice(0, jws.indexOf(".")), "base64url"));
  if (!isObject(header)) throw new Refusal("header");
  return header as Header;
}

function checkHeader({ typ, alg, crit }: Header, types: readonly string[], algorithms: readonly string[]): void {
  if (!types.includes(mediaType(typ))) throw new Refusal("typ");
  if (typeof alg !== "string" || !algorithms.includes(alg)) throw new Refusal("alg");
  if (crit !== undefined) throw new Refusal("crit");
}

/** Source: RFC 7515 section 4.1.9. */
function mediaType(typ: unknown): string {
  if (typ === undefined) return "";
  return typeof typ === "string" ? typ.toLowerCase().replace(/^application\//, "") || "empty" : "no text";
}

function claimsIn(payload: Uint8Array): Claims {
  const claims = parsed(payload);
  if (!isObject(claims)) throw new Refusal("payload");
  return claims as Claims;
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as unknown;
  } catch {
    // The callers refuse what is no object.
    return undefined;
  }
}
