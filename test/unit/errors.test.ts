import { describe, expect, it } from "@jest/globals";
import { LogoutError } from "../../lib/errors.js";

const withStatus = (status: number) => new LogoutError("ERR_REQUEST_INVALID", "The request is wrong.", { status });
const KICK = new LogoutError("ERR_KICK_INCOMPLETE", "Not done.", { details: { userIds: ["alice"] } });

/** The condition of NestJS 12 for the status of an error. NestJS 11 looks for `statusCode` and `message` alone. */
function hasStatusInNest12(error: Error & { expose?: unknown; status?: unknown; statusCode?: unknown }): boolean {
  return typeof error.expose === "boolean" && error.status === error.statusCode;
}

describe("an error of this package", () => {
  it("exposes its message as http-errors does: with a 4xx, and not with a 5xx", () => {
    for (const status of [400, 401, 403, 404, 405, 413, 415]) expect(withStatus(status).expose).toBe(true);
    for (const error of [withStatus(500), withStatus(503), KICK]) expect(error.expose).toBe(false);
  });

  it("keeps its status in NestJS 12", () => {
    for (const error of [withStatus(400), withStatus(503), KICK]) expect(hasStatusInNest12(error)).toBe(true);
    expect(hasStatusInNest12(Object.assign(new Error("x"), { status: 503, statusCode: 503 }))).toBe(false);
  });
});
