import { isUtf8 } from "node:buffer";
import { json } from "express";
import type { Request, RequestHandler, Response } from "express";
import { LogoutError } from "../errors.js";

const LIMIT = "100kb";
const parseJson: RequestHandler = json({ limit: LIMIT, strict: false, verify: mustBeText });

const MESSAGES: Readonly<Record<number, string>> = {
  413: `The body is over the limit of ${LIMIT}.`,
  415: "The body has an encoding or a charset that is not supported: send UTF-8.",
};

/**
 * The JSON body of a request, also where the app has parsed it before.
 *
 * @throws LogoutError `ERR_REQUEST` 400, 413, 415
 */
export async function readJson(req: Request, res: Response): Promise<unknown> {
  if (req.is("application/json") === false) {
    throw new LogoutError("ERR_REQUEST", "The body must be sent with Content-Type: application/json.", { status: 415 });
  }
  await new Promise<void>((resolve, reject) => {
    parseJson(req, res, (error?: unknown) => {
      if (error === undefined) resolve();
      else reject(badBody(error));
    });
  });
  return req.body as unknown;
}

/** Bytes that are no UTF-8 would be replaced, and two user ids might become one. */
function mustBeText(_req: unknown, _res: unknown, body: Buffer, encoding: string): void {
  if (encoding === "utf-8" && !isUtf8(body)) throw new Error("not UTF-8");
}

/** The parser's error holds the body, which may hold anything: only its status is handed on. */
function badBody(error: unknown): LogoutError {
  const { status } = error as { status?: unknown };
  const known = status === 413 || status === 415 ? status : 400;
  return new LogoutError("ERR_REQUEST", MESSAGES[known] ?? "The body is not valid JSON.", { status: known });
}
