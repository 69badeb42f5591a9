import type { PageContext } from "../../pages/layout.js";
import type { HandlerContext } from "../context.js";
import { warnOfCsrfBefore } from "../middleware-order.js";
import type { RouteRequest } from "../route-request.js";
import { describeUser } from "./ask-app.js";

/** Returns the frame of a page without a user. */
export function pageContext({ options, assets }: HandlerContext, { texts, addresses }: RouteRequest): PageContext {
  const { brandName, homeUrl, logo, stylesheet } = options.pages;
  const frame = { texts, brandName, homeUrl: homeUrl ?? addresses.home, logo, stylesheet };
  if (options.routes.assets === undefined) return frame;
  const folder = addresses.mount + options.routes.assets;
  return { ...frame, assets: { style: `${folder}/${assets.style.name}`, script: `${folder}/${assets.script.name}` } };
}

/** Returns the frame of a logged-in user's page, with their menu. */
export async function userPageContext(
  context: HandlerContext,
  request: RouteRequest,
  userId: string,
): Promise<PageContext> {
  // Its pages have forms.
  warnOfCsrfBefore(context, request.original);
  const person = await describeUser(context, userId);
  const logoutUrl = logoutUrlOf(context, request);
  const frame = pageContext(context, request);
  const [center] = context.options.routes.personalCenter;
  const devicesUrl = center === undefined || !context.options.pages.html ? undefined : request.addresses.mount + center;
  return logoutUrl === undefined ? frame : { ...frame, user: { person, logoutUrl, devicesUrl } };
}

/** A part of a page, below the page's path: which may be the root. */
export function joinPath(path: string, part: string): string {
  return part === "" ? path : path.replace(/\/$/, "") + part;
}

/** Where the menu's Logout goes: to the personal center, which has a page to end on, else to the logout route. */
function logoutUrlOf({ options }: HandlerContext, { addresses }: RouteRequest): string | undefined {
  const { personalCenter, logout } = options.routes;
  const [path] = personalCenter.length > 0 ? personalCenter.map((center) => joinPath(center, "/logout")) : logout;
  return path === undefined ? undefined : addresses.mount + path;
}
