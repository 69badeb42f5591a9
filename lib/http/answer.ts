import type { Request, Response } from "express";
import { LogoutError } from "../errors.js";
import { noticePage, type Notice } from "../pages/notice.js";
import type { HttpContext } from "./context.js";
import { frameOf } from "./frame.js";

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
export function sendNotice(context: HttpContext, req: Request, res: Response, status: number, notice: Notice): void {
  res.vary("Accept");
  if (prefersJson(req)) {
    sendJson(res, status, notice.text === undefined ? notice.title : `${notice.title}: ${notice.text}`);
    return;
  }
  sendPage(context, res, status, noticePage(frameOf(context, req), notice), "no pictures");
}

/** A page with the headers that keep it to itself: nothing inline, no frame around it, in no cache. */
export function sendPage(
  { options }: HttpContext,
  res: Response,
  status: number,
  html: string,
  pictures: "pictures" | "no pictures" = "pictures",
): void {
  // Browsers hold a form's redirects to form-action as well, and a logout may lead to another site.
  const { defaultRedirect = "/" } = options;
  const afterLogout = URL.canParse(defaultRedirect) ? ` ${new URL(defaultRedirect).origin}` : "";
  res
    .status(status)
    .set({
      "Cache-Control": "no-store",
      "Content-Security-Policy": [
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "connect-src 'self'",
        // The app's users have their pictures wherever they have them.
        pictures === "pictures" ? "img-src 'self' https: http: data:" : "img-src 'self'",
        `form-action 'self'${afterLogout}`,
        "base-uri 'none'",
        "frame-ancestors 'none'",
      ].join("; "),
      "X-Content-Type-Options": "nosniff",
      "Referrer-Policy": "same-origin",
    })
    .type("html")
    .send(html);
}

/** `303 See Other`: after a form, the page that shows what came of it. */
export function redirectTo(res: Response, url: string): void {
  res.set("Cache-Control", "no-store").redirect(303, url);
}

export function prefersJson(req: Request): boolean {
  return req.accepts(["json", "html"]) === "json";
}
