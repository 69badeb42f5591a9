import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { loadJose } from "../jose/load-jose.js";
import { digestOf } from "../options/admin-tokens.js";
import type { ResolvedAuthing, ResolvedKey } from "./options.js";

const LIFETIME_SECONDS = 7_200;
const ISSUER = "express-logout";
const ALGORITHM = "HS256";
const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** As the GraphQL API of Authing hands it out. Times are in seconds since 1970. */
export interface AccessToken {
  readonly accessToken: string;
  readonly exp: number;
  readonly iat: number;
}

/** Access tokens (JWT), which the secret of an access key is exchanged for. They say which key that was, and end with its secret. */
export class AccessTokens {
  readonly #audience: string;
  readonly #keys: readonly ResolvedKey[];
  readonly #signingKey: string | Buffer;

  constructor({ userPoolId, accessKeys, signingKey }: ResolvedAuthing) {
    this.#audience = userPoolId;
    this.#keys = accessKeys;
    this.#signingKey = signingKey ?? randomBytes(32);
  }

  /** Returns an access token for the owner of a secret; `undefined` if no access key has it. */
  async issue(secret: string): Promise<AccessToken | undefined> {
    const given = digestOf(secret);
    // Each is compared: a search that stops would take less time for the first one.
    const [key] = this.#keys.filter((each) => timingSafeEqual(digestOf(each.secret), given));
    if (key === undefined) return undefined;
    const iat = Math.floor(Date.now() / 1_000);
    const exp = iat + LIFETIME_SECONDS;
    const { SignJWT } = loadJose();
    const accessToken = await new SignJWT()
      .setProtectedHeader({ alg: ALGORITHM, typ: "JWT" })
      .setIssuer(ISSUER)
      .setAudience(this.#audience)
      .setSubject(key.id)
      .setIssuedAt(iat)
      .setExpirationTime(exp)
      .sign(this.#signingKeyOf(key));
    return { accessToken, exp, iat };
  }

  /** Returns the access key of a token; `undefined` if the token is not, or no longer, valid. */
  async verify(token: string): Promise<ResolvedKey | undefined> {
    if (this.#keys.length === 0 || !COMPACT_JWS.test(token)) return undefined;
    const { decodeJwt, jwtVerify } = loadJose();
    try {
      const key = this.#keys.find(({ id }) => id === decodeJwt(token).sub);
      if (key === undefined) return undefined;
      await jwtVerify(token, this.#signingKeyOf(key), {
        algorithms: [ALGORITHM],
        issuer: ISSUER,
        audience: this.#audience,
        requiredClaims: ["exp"],
      });
      return key;
    } catch {
      // A token that is not valid proves nothing, for any reason.
      return undefined;
    }
  }

  /** A key of its own for each secret: where a secret is replaced, the tokens that it was exchanged for end. */
  #signingKeyOf({ secret }: ResolvedKey): Uint8Array {
    return createHmac("sha256", this.#signingKey).update(secret).digest();
  }
}
