import { loginManagementPage, PAGE_SIZES, SELECTION_LENGTH } from "../../../pages/login-management.js";
import type { Texts } from "../../../pages/texts/index.js";
import type { Handler } from "../../context.js";
import { onlyValueOf, valueOf, type Fields } from "../../fields.js";
import { isReply } from "../../reply.js";
import { joinPath, userPageContext } from "../page-context.js";
import { countOf, pageUrl } from "../require-login.js";
import { FORCE } from "./force-offline.js";
import { foundUsers, onlinePage, withShown } from "./online-users.js";
import { requireAdmin } from "./require-admin.js";

/** `GET …/login-management`: who is online. */
export const showLoginManagement: Handler = async (context, request) => {
  const admin = await requireAdmin(context, request, { action: "list", isMassKick: false });
  if (isReply(admin)) return admin;
  const frame = await userPageContext(context, request, admin.userId);
  const { query } = request;
  const search = (valueOf(query, "q") ?? "").slice(0, 256);
  const limit = PAGE_SIZES.find((size) => size === countOf(onlyValueOf(query, "limit"))) ?? PAGE_SIZES[0];
  const asked = countOf(onlyValueOf(query, "page")) ?? 1;
  const found = search === "" ? await onlinePage(context, asked, limit) : await foundUsers(context, search);
  const users = await withShown(context, found.users, query("shown"));
  const url = pageUrl(request, "");
  const page = loginManagementPage({
    frame,
    appId: context.options.appId,
    url,
    forceUrl: joinPath(url, FORCE),
    ...found,
    users,
    limit,
    search,
    ...selectionIn(query),
    status: statusFrom(query, frame.texts),
  });
  return { status: 200, page };
};

/** Who is checked: as many as an address can carry on to the next page. */
function selectionIn(query: Fields) {
  const checked = [...new Set(query("user").filter((user) => user !== ""))];
  let length = 0;
  const selected = checked.filter((user) => {
    length += new URLSearchParams({ user }).toString().length + "&".length;
    return length <= SELECTION_LENGTH;
  });
  return { selected, isFull: selected.length < checked.length };
}

function statusFrom(query: Fields, texts: Texts): string | undefined {
  const counts = [countOf(onlyValueOf(query, "users")), countOf(onlyValueOf(query, "logins"))] as const;
  return counts[0] === undefined || counts[1] === undefined ? undefined : texts.forced(counts[0], counts[1]);
}
