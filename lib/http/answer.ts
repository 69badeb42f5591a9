import type { Request, Response } from "express";
import { LogoutError } from "../errors.js";
import { noticePage, type Notice } from "../pages/notice.js";

/** No script, no frame, nothing from anywhere: the pages need none of it. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/** Who caused the trouble is told what it was; of what is ours, only what an operator would be told to do. */
export function isTold(error: unknown): error is LogoutError {
  return error instanceof LogoutError && (error.status < 500 || error.status === 503);
}

/** JSON as every API of this package answers: the HTTP status again in `code`. */
export function sendJson(res: Response, status: number, message: string, more: object = {}): void {
  res
    .status(status)
    .set("Cache-Control", "no-store")
    .json({ code: status, message, ...more });
}

/** A page to a browser, JSON to anybody else, by `Accept`. */
export function sendNotice(req: Request, res: Response, status: number, notice: Notice): void {
  res.vary("Accept");
  if (prefersJson(req)) {
    sendJson(res, status, notice.text === undefined ? notice.title : `${notice.title}: ${notice.text}`);
    return;
  }
  res
    .status(status)
    .set({
      "Cache-Control": "no-store",
      "Content-Security-Policy": CONTENT_SECURITY_POLICY,
      "X-Content-Type-Options": "nosniff",
      "Referrer-Policy": "no-referrer",
    })
    .type("html")
    .send(noticePage(notice));
}

export function prefersJson(req: Request): boolean {
  return req.accepts(["json", "html"]) === "json";
}
