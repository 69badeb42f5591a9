import type { Request } from "express";
import type { PageContext } from "../../pages/layout.js";
import { toUserView } from "../../pages/user-view.js";
import { LOCALES, type Locale, type Texts } from "../../pages/texts/index.js";
import { mountPath } from "../addresses.js";
import type { HttpContext } from "../context.js";
import { warnOfCsrfBefore } from "../middleware-order.js";

/** Returns the texts in the language that the app has set, or that the browser prefers. */
export function textsOf({ options }: HttpContext, req: Request): Texts {
  const asked = req.acceptsLanguages(Object.keys(LOCALES));
  return LOCALES[options.pages.locale ?? (asked === false ? "en" : (asked as Locale))];
}

/** Returns the frame of a page without a user. */
export function pageContext(context: HttpContext, req: Request): PageContext {
  const { options, assets } = context;
  const folder = mountPath(context, req) + options.routes.assets;
  return {
    texts: textsOf(context, req),
    brandName: options.pages.brandName,
    assets: { style: `${folder}/${assets.style.name}`, script: `${folder}/${assets.script.name}` },
  };
}

/** Returns the frame of a logged-in user's page, with their menu. */
export async function userPageContext(context: HttpContext, req: Request, userId: string): Promise<PageContext> {
  // Its pages have forms.
  warnOfCsrfBefore(context, req);
  const person = toUserView(userId, await context.options.pages.describeUser(userId));
  const logoutUrl = logoutUrlOf(context, req);
  const frame = pageContext(context, req);
  return logoutUrl === undefined ? frame : { ...frame, user: { person, logoutUrl } };
}

/** A part of a page, below the page's path: which may be the root. */
export function joinPath(path: string, part: string): string {
  return part === "" ? path : path.replace(/\/$/, "") + part;
}

/** Where the menu's Logout goes: to the personal center, which has a page to end on, else to the logout route. */
function logoutUrlOf(context: HttpContext, req: Request): string | undefined {
  const { personalCenter, logout } = context.options.routes;
  const [path] = personalCenter.length > 0 ? personalCenter.map((center) => joinPath(center, "/logout")) : logout;
  return path === undefined ? undefined : mountPath(context, req) + path;
}
