import { randomUUID } from "node:crypto";
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import {
  base64url,
  CompactEncrypt,
  CompactSign,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type CryptoKey,
  type JWK,
} from "jose";

export const CLIENT_ID = "shop";
export const BACKCHANNEL_EVENT = "http://schemas.openid.net/event/backchannel-logout";

export type Claims = Record<string, unknown>;

/** A key pair with its `kid`. */
export interface Key {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
  readonly jwk: JWK;
}

export async function createKey(kid: string, alg = "RS256"): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, privateKey, publicKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: "sig" } };
}

/** An identity provider reduced to its keys, on a server of its own, and the tokens that it signs. */
export class IdentityProvider {
  readonly key: Key;
  /** What the server answers with. */
  keys: readonly JWK[];
  /** Each request to the server, in order. */
  readonly requests: string[] = [];
  /** What the server does in place of answering with its keys. */
  instead: ((end: (status: number, body: string, headers?: Record<string, string>) => void) => void) | undefined;
  #server: Server | undefined;
  #port = 0;

  constructor(key: Key) {
    this.key = key;
    this.keys = [key.jwk];
  }

  static async start(): Promise<IdentityProvider> {
    const provider = new IdentityProvider(await createKey("first"));
    await provider.open();
    return provider;
  }

  get issuer(): string {
    return `http://127.0.0.1:${String(this.#port)}`;
  }

  get jwksUri(): string {
    return `${this.issuer}/jwks`;
  }

  get endSessionEndpoint(): string {
    return `${this.issuer}/session/end?realm=a`;
  }

  async open(): Promise<void> {
    const server = createServer((req, res) => {
      this.requests.push(req.url ?? "");
      const end = (status: number, body: string, headers = {}): void => {
        res.writeHead(status, { "Content-Type": "application/json", ...headers }).end(body);
      };
      if (this.instead === undefined) end(200, JSON.stringify({ keys: this.keys }));
      else this.instead(end);
    });
    server.listen(this.#port, "127.0.0.1");
    await once(server, "listening");
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async close(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  }

  /** The claims of a logout token that is right in everything. */
  logoutClaims(more: Claims = {}): Claims {
    const iat = Math.floor(Date.now() / 1_000);
    const claims: Claims = {
      iss: this.issuer,
      aud: CLIENT_ID,
      iat,
      exp: iat + 120,
      jti: randomUUID(),
      events: { [BACKCHANNEL_EVENT]: {} },
      sub: "alice",
      sid: "session-1",
      ...more,
    };
    return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
  }

  /** Signs claims, or bytes that are none. A member of the header that is `undefined` is left out. */
  async sign(claims: Claims | string | Uint8Array, header: Claims = {}, key: Key = this.key): Promise<string> {
    const payload =
      claims instanceof Uint8Array ? claims : Buffer.from(typeof claims === "string" ? claims : JSON.stringify(claims));
    const all: Claims = { alg: "RS256", typ: "logout+jwt", kid: key.kid, ...header };
    const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
    return new CompactSign(payload)
      .setProtectedHeader(given as { alg: string })
      .sign(key.privateKey, { crit: { "urn:unknown": true } });
  }

  async logoutToken(claims: Claims = {}, header: Claims = {}, key: Key = this.key): Promise<string> {
    return this.sign(this.logoutClaims(claims), header, key);
  }
}

/** A token whose header jose would not write. The signature is that of other bytes, or of nobody. */
export function forged(header: unknown, claims: unknown, signature: string): string {
  const part = (value: unknown): string => base64url.encode(typeof value === "string" ? value : JSON.stringify(value));
  return `${part(header)}.${part(claims)}.${signature}`;
}

/** A token that is signed with the public key as if it were a shared secret. */
export async function signedWithPublicKey(claims: Claims, key: Key): Promise<string> {
  const secret = Buffer.from(await exportSPKI(key.publicKey));
  return new CompactSign(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader({ alg: "HS256", typ: "logout+jwt", kid: key.kid })
    .sign(secret);
}

export async function encrypted(jws: string, key: CryptoKey): Promise<string> {
  return new CompactEncrypt(Buffer.from(jws))
    .setProtectedHeader({ alg: "RSA-OAEP", enc: "A256GCM", cty: "JWT" })
    .encrypt(key);
}
