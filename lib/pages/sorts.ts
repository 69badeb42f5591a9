import type { Texts } from "./texts/index.js";

/** The orders of the list of users. With a `-` it is reversed: the least recent, the fewest, or from Z to A first. */
export const SORTS = ["active", "-active", "login", "-login", "logins", "-logins", "name", "-name"] as const;
export type Sort = (typeof SORTS)[number];
export type SortKey = "active" | "login" | "logins" | "name";

export function keyOf(sort: Sort): SortKey {
  return sort.replace("-", "") as SortKey;
}

export function isReversed(sort: Sort): boolean {
  return sort.startsWith("-");
}

/** Returns the order of a press on a heading: another press reverses it. */
export function nextSort(key: SortKey, current: Sort): Sort {
  return current === key ? `-${key}` : key;
}

/** Returns the heading of the column that a list is sorted by. */
export function headingOf(key: SortKey, texts: Texts): string {
  return { active: texts.lastActive, login: texts.lastLogin, logins: texts.logins, name: texts.user }[key];
}
