import type { Handler } from "../http/context.js";
import type { EmptyReply, JsonReply, Reply } from "../http/reply.js";
import type { RouteRequest } from "../http/route-request.js";
import { LogoutError } from "../errors.js";
import { debug } from "../util/debug.js";
import { Deadline } from "../util/deadline.js";
import type { Kicks } from "./kicks.js";
import { Refusal } from "./refusal.js";

/** In less than 1.5 seconds: providers give 2.5, and their logout page waits for all clients. */
const DEADLINE = new Deadline(1_250);

/**
 * Returns a handler that always answers, and in time. Work that takes longer goes on; the provider sends its request again.
 *
 * @param failed - Returns the answer to an error: a {@link Refusal}, or what kept the work from its end.
 */
export function receive(
  work: (kicks: Kicks, request: RouteRequest) => Promise<Reply>,
  failed: (error: unknown) => Reply,
): Handler {
  return async ({ logins }, request) => {
    try {
      return await DEADLINE.run(() => work(logins, request));
    } catch (error) {
      if (error instanceof Refusal)
        debug?.("oidc(): a request of a provider was refused: %s: %s", error.rule, error.message);
      return failed(error);
    }
  };
}

/** An answer without a body. */
export function emptyReply(status: number): EmptyReply {
  return { status, empty: true };
}

/** Returns what a reader of the body returns. @throws Refusal `form`, `limits`, `unreadable` */
export async function read<Body>(body: Promise<Body>): Promise<Body> {
  try {
    return await body;
  } catch (error) {
    if (!LogoutError.is(error, "ERR_REQUEST_INVALID")) throw error;
    if (error.status === 413) throw new Refusal("limits");
    throw new Refusal(error.status === 415 ? "form" : "unreadable");
  }
}

/** Returns the error of a request as OAuth has it. Source: RFC 6749 section 5.2. */
export function oauthError(status: number, error: string, description: string): JsonReply {
  return { status, json: { error, error_description: description } };
}
