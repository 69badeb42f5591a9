import { createHmac, randomUUID } from "node:crypto";
import { stringToSign } from "../../lib/authing/signature.js";
import type { Answer, Site } from "./site.js";
import { POOL_ID } from "./site.js";

export const KEY = { id: POOL_ID, secret: "the secret of the user pool" };
const QUERY = "query accessToken($userPoolId: String!, $secret: String!) { accessToken { accessToken exp iat } }";

/** What `POST /graphql/v2` answers to a secret. */
export async function exchange(site: Site, variables: object = {}): Promise<Answer> {
  const body = JSON.stringify({
    query: QUERY,
    variables: { userPoolId: POOL_ID, secret: KEY.secret, ...variables },
  });
  return site.ask("POST", `${site.at}/graphql/v2`, { headers: { "Content-Type": "application/json" }, body });
}

export async function accessTokenOf(site: Site): Promise<string> {
  const { body } = await exchange(site);
  return (body as { data: { accessToken: { accessToken: string } } }).data.accessToken.accessToken;
}

export interface SignedOptions {
  readonly secret?: string;
  readonly id?: string;
  readonly date?: Date;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent in place of the signed one. */
  readonly sent?: object;
  /** Signed in place of the path that is asked for. */
  readonly path?: string;
}

/** The headers and the body of a call that `authing-node-sdk` signs. */
export function signedCall(path: string, body: object, options: SignedOptions = {}) {
  const { secret = KEY.secret, id = KEY.id, date = new Date(), sent = body } = options;
  const given = { "x-authing-lang": "zh-CN", "x-authing-signature-nonce": randomUUID(), ...options.headers };
  const headers: Record<string, string> = { date: date.toUTCString(), ...given };
  const parameters = body as Readonly<Record<string, unknown>>;
  const text = stringToSign("x-authing-", { method: "POST", path: options.path ?? path, headers, parameters });
  const hmac = createHmac("sha1", secret).update(text).digest("base64");
  return {
    headers: { ...headers, "content-type": "application/json", authorization: `authing ${id}:${hmac}` },
    body: JSON.stringify(sent),
  };
}
