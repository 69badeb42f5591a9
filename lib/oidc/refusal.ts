/** Why a receiver refuses a request: one fixed sentence a rule, without a value of the request. */
export const RULES = {
  form: "The request must be a form: application/x-www-form-urlencoded.",
  limits: "The request is over the limit of 64 kB and 20 parameters.",
  unreadable: "The body of the request cannot be read.",
  parameter: "The request must have exactly one logout_token.",
  method: "This address takes POST alone.",
  shape: "The token must be a signed token in compact form.",
  encrypted: "The token is encrypted, and no encryption was agreed.",
  decryption: "The token cannot be decrypted.",
  header: "The header of the token cannot be read.",
  typ: "The typ of the token is not the one of this kind of token.",
  alg: "The signature algorithm is not one that was agreed: see the option algorithms.",
  crit: "The token has critical header parameters.",
  key: "The provider has no key that fits the token.",
  keys: "The keys of the provider cannot be fetched.",
  signature: "The signature of the token is not valid.",
  payload: "The payload of the token must be a JSON object.",
  iss: "The token comes from another issuer.",
  aud: "The token is for another client.",
  azp: "The token was issued to another client.",
  iat: "The token must say when it was issued.",
  old: "The token was issued more than 5 minutes ago.",
  ahead: "The token was issued in the future.",
  exp: "The token must say when it expires.",
  expired: "The token has expired.",
  longLived: "The token is valid for more than 10 minutes.",
  nbf: "The token is not valid yet.",
  jti: "The token must have an identifier.",
  events: "The token does not have the event of this kind of token.",
  nonce: "The token has a nonce, as ID tokens do.",
  sub: "The sub of the token must be a text of 1 to 255 bytes.",
  sid: "The sid of the token must be a text of 1 to 255 bytes.",
  subject: "The token must have a sub or a sid.",
  subjectFormat: "The subject of the request cannot be resolved.",
  bearer: "The request must have one bearer token.",
} as const;

export type Rule = keyof typeof RULES;

/** A request that a receiver refuses. */
export class Refusal extends Error {
  readonly rule: Rule;

  constructor(rule: Rule, options?: ErrorOptions) {
    super(RULES[rule], options);
    this.name = "Refusal";
    this.rule = rule;
  }
}
