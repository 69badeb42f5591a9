import type { Handler } from "../http/context.js";
import type { JsonReply } from "../http/reply.js";
import { isObject } from "../options/checks.js";
import { debug, debugError } from "../util/debug.js";
import { checkAudience, checkIssuedAt, checkIssuer, isNonEmpty, mustBe, nowInSeconds } from "./claim-rules.js";
import { JoinedKicks } from "./joined-kicks.js";
import { BY_EVENT, type Kicks } from "./kicks.js";
import { emptyReply, read, receive } from "./receive.js";
import { Refusal, RULES, type Rule } from "./refusal.js";
import { readSigned, type Claims, type Receiver } from "./signed-token.js";
import { resolve } from "./subjects.js";

const MEDIA_TYPE = "application/secevent+jwt";
const TYPES = ["secevent+jwt"];
/** In seconds. */
const MAX_EVENT_AGE = 86_400;
/** RFC 8417 section 2.3 only recommends the type. */
const OLDER_TYPES = [...TYPES, "jwt", ""];
const SECEVENT = "https://schemas.openid.net/secevent/";
/** They end logins unless `policy` says otherwise. Google sends the older name with an s. */
const ENDING: readonly string[] = [
  `${SECEVENT}caep/event-type/session-revoked`,
  `${SECEVENT}risc/event-type/sessions-revoked`,
  `${SECEVENT}risc/event-type/account-disabled`,
  `${SECEVENT}risc/event-type/account-purged`,
];
const VERIFICATION: readonly string[] = [
  `${SECEVENT}ssf/event-type/verification`,
  `${SECEVENT}sse/event-type/verification`,
  `${SECEVENT}risc/event-type/verification`,
];
/** Codes of RFC 8935 section 2.4. */
const CODES: Partial<Record<Rule, string>> = {
  iss: "invalid_issuer",
  aud: "invalid_audience",
  azp: "invalid_audience",
  key: "invalid_key",
  signature: "invalid_key",
  alg: "invalid_key",
  decryption: "invalid_key",
  encrypted: "invalid_key",
};

/** `POST /oidc/security-events`: a security event token (RFC 8417, RFC 8935; Shared Signals Framework 1.0, CAEP 1.0, RISC 1.0). */
export function receiveSecurityEvent(receiver: Receiver): Handler {
  const joined = new JoinedKicks();
  return receive(async (kicks, request) => {
    const types = receiver.options.relax.typ === true ? OLDER_TYPES : TYPES;
    const token = await read(request.smallText(MEDIA_TYPE));
    const claims = await readSigned(receiver, token, types);
    const iat = checkClaims(receiver, claims);
    await joined.join(kicks, token, () => actOnAll(kicks, receiver, claims, iat));
    return emptyReply(202);
  }, refused);
}

async function actOnAll(kicks: Kicks, receiver: Receiver, claims: Claims, iat: number): Promise<void> {
  for (const [event, payload] of Object.entries(claims["events"] as object)) {
    if (VERIFICATION.includes(event)) continue;
    await act(kicks, receiver, { event, payload: isObject(payload) ? (payload as Claims) : {}, claims, iat });
  }
}

function checkClaims({ options }: Receiver, claims: Claims): number {
  checkIssuer(claims, options.provider);
  checkAudience(claims, options.provider.clientIds);
  // Old ones count: a transmitter repeats what it could not deliver.
  const iat = checkIssuedAt(claims, nowInSeconds());
  mustBe(isNonEmpty(claims["jti"]), "jti");
  mustBe(!("nonce" in claims), "nonce");
  mustBe(isObject(claims["events"]) && Object.keys(claims["events"] as object).length > 0, "events");
  return iat;
}

interface Event {
  readonly event: string;
  readonly payload: Claims;
  readonly claims: Claims;
  readonly iat: number;
}

/** An event that ends nothing, and a subject that no one knows here, are acknowledged: the transmitter can do nothing about it. */
async function act(kicks: Kicks, { options }: Receiver, { event, payload, claims, iat }: Event): Promise<void> {
  const { policy = (name: string) => ENDING.includes(name), resolveSubject } = options.securityEvents;
  if (!(await policy(event, payload))) return;
  const { issuer } = options.provider;
  const subject = claims["sub_id"] ?? payload["subject"];
  const { keys, userIds } = await resolve(subject, issuer, resolveSubject);
  const { event_timestamp: at } = payload;
  // A login that authenticated after the event stays, even if the token was late.
  const happenedAt = typeof at === "number" && at > 0 ? Math.min(at, iat) : iat;
  const authenticatedBefore = Math.floor(happenedAt + options.issuerSkewSeconds);
  await Promise.all(keys.map((key) => kicks.kickByKey(key, { ...BY_EVENT, authenticatedBefore })));
  if (userIds.length === 0) return;
  // This kick has no time: a token that someone sends again must not end newer logins for ever.
  if (iat < nowInSeconds() - MAX_EVENT_AGE) debug?.("oidc(): a security event is too old to end the logins of a user");
  else await kicks.kick(userIds, BY_EVENT);
}

function refused(error: unknown): JsonReply {
  if (error instanceof Refusal && error.rule !== "keys") {
    const description = error.rule === "form" ? `The body must be sent as ${MEDIA_TYPE}.` : RULES[error.rule];
    return { status: 400, json: { err: CODES[error.rule] ?? "invalid_request", description } };
  }
  if (!(error instanceof Refusal)) debugError("a security event was not acted on", error);
  // RFC 8935 has no code for an outage here: the transmitter repeats what was answered 5xx.
  return { status: 503, json: { description: "The event was not acted on. Send it again." } };
}
