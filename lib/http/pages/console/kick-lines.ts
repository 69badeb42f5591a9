import { LogoutError } from "../../../errors.js";
import type { KickAllOptions, KickResult } from "../../../logins/kick-options.js";
import type { Texts } from "../../../pages/texts/index.js";
import type { HandlerContext } from "../../context.js";
import type { LinesReply } from "../../reply.js";
import { describeUser } from "../ask-app.js";
import { encodeSelection, type Chosen } from "./selection.js";

/** How many of those who were not reached are named. */
const MAX_NAMED = 20;

interface KickForm {
  readonly texts: Texts;
  readonly chosen: Chosen;
  readonly start: (more: Pick<KickAllOptions, "onProgress" | "signal">) => Promise<KickResult | "mistyped">;
}

/** A line for each step. The last one has a `code`; after a failure a `detail`: whom it has not reached. */
export function lineByLine(context: HandlerContext, { texts, chosen, start }: KickForm): LinesReply {
  const progressText = chosen.kind === "found" ? texts.checked : texts.forcing;
  const lines: LinesReply["lines"] = async (line, signal) => {
    const began = performance.now();
    const onProgress: KickAllOptions["onProgress"] = ({ done, total }) => {
      line({ message: progressText(done, total), done, total });
    };
    try {
      const result = await start({ onProgress, signal });
      if (result === "mistyped") line({ code: 400, message: texts.wrongApplicationId });
      else {
        const { users, logins } = result;
        const seconds = Math.ceil((performance.now() - began) / 100) / 10;
        line({ code: 200, message: texts.forced(users, logins), users, logins, seconds });
      }
    } catch (error) {
      if (!(error instanceof LogoutError)) throw error;
      if (!isKickIncomplete(error)) line({ code: error.status, message: error.message });
      else line({ code: error.status, message: texts.stopped, ...(await unfinished(context, texts, chosen, error)) });
    }
  };
  return { status: 200, lines };
}

/** Who was not forced offline; and what repeats the kick of them alone: others may have logged in again since. */
async function unfinished(context: HandlerContext, texts: Texts, chosen: Chosen, error: LogoutError): Promise<object> {
  const { notForced } = leftBy(error);
  if (notForced === undefined) return {};
  const said = { detail: await sayNotForced(context, texts, notForced), notForced };
  if (chosen.kind !== "users" || notForced.length === chosen.userIds.length) return said;
  const selection = encodeSelection({ userIds: notForced });
  return { ...said, selection, again: texts.tryAgainFor(notForced.length) };
}

/** Who was not forced offline, where that is known. */
export function leftBy(error: LogoutError): { readonly notForced?: readonly string[] } {
  // After a failed entry of the audit log, their logins have ended.
  if (!LogoutError.is(error, "ERR_KICK_INCOMPLETE", "ERR_WRITE_NOT_REPLICATED")) return {};
  const notForced = error.details?.userIds ?? [];
  return notForced.length === 0 ? {} : { notForced };
}

/** Says who was not forced offline, by name. */
async function sayNotForced(context: HandlerContext, texts: Texts, userIds: readonly string[]): Promise<string> {
  const named = userIds.slice(0, MAX_NAMED).map((userId) => describeUser(context, userId));
  const names = (await Promise.all(named)).map(({ name }) => name).join(", ");
  const rest = userIds.length - named.length;
  return texts.notForced(rest > 0 ? `${names}, ${texts.andMore(rest)}` : names);
}

/** Returns whether a kick has ended some logins, and can be repeated. */
export function isKickIncomplete(error: unknown): error is LogoutError {
  return LogoutError.is(error, "ERR_KICK_INCOMPLETE", "ERR_WRITE_NOT_REPLICATED", "ERR_AUDIT_FAILED");
}
