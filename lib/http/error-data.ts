import { errorReply, type JsonReply } from "./reply.js";
import type { RouteRequest } from "./route-request.js";

/** An error of a page's route to a client that draws its own screens, with more than a message. */
export function errorData(
  request: RouteRequest,
  error: Pick<Parameters<typeof errorReply>[1], "status" | "message">,
  more: object,
): JsonReply {
  const { json, ...reply } = errorReply(request.header("Accept"), error);
  return { ...reply, vary: "Accept", json: { ...json, ...more } };
}
