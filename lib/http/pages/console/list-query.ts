import { LogoutError } from "../../../errors.js";
import { PAGE_SIZES } from "../../../pages/pager.js";
import { SORTS, type Sort } from "../../../pages/sorts.js";
import { onlyValueOf, valueOf, type Fields } from "../../fields.js";
import { countOf } from "../require-login.js";
import { filterParameters, readFilter, type ReadFilter } from "./filter-fields.js";

/** Which users the list shows, and in which order. */
export interface ListQuery {
  readonly search: string;
  readonly filter: ReadFilter;
  readonly sort: Sort;
  readonly page: number;
  readonly limit: number;
  /** The fields with a value that is none, and does not count. */
  readonly wrong: readonly string[];
}

const MAX_SEARCH = 256;

export function readListQuery(query: Fields): ListQuery {
  const filter = readFilter(query);
  // A press on a heading comes after the field that carries on the present order.
  const asked = query("sort").findLast((text) => text !== "");
  const sort = SORTS.find((each) => each === asked);
  const page = pageIn(query);
  const size = valueOf(query, "limit");
  const limit = PAGE_SIZES.find((each) => each === countOf(onlyValueOf(query, "limit")));
  return {
    search: (valueOf(query, "q") ?? "").trim().slice(0, MAX_SEARCH),
    filter,
    sort: sort ?? "active",
    page: page ?? 1,
    limit: limit ?? PAGE_SIZES[0],
    wrong: [
      ...filter.wrong,
      ...(asked === undefined || sort !== undefined ? [] : ["sort"]),
      ...(page === undefined ? ["page"] : []),
      ...(size === undefined || limit !== undefined ? [] : ["limit"]),
    ],
  };
}

/** @throws LogoutError `ERR_REQUEST_INVALID` 400 if any field is not valid. A page shows a note instead. */
export function mustBeValid(wrong: readonly string[]): void {
  if (wrong.length === 0) return;
  throw new LogoutError("ERR_REQUEST_INVALID", `Not valid: ${wrong.join(", ")}.`);
}

/**
 * Returns the number of the page; `undefined` for one that is not valid. Without a script, opening the logins of a user loads the page
 * again: it is the one that was shown.
 */
export function pageIn(query: Fields): number | undefined {
  const isOpening = query("open").length > 0 || query("close").length > 0;
  const asked = query(isOpening && query("page").length === 0 ? "at" : "page").filter((text) => text !== "");
  if (asked.length === 0) return 1;
  const page = asked.length === 1 ? countOf(asked[0]) : undefined;
  return page === undefined || page < 1 ? undefined : page;
}

/** Returns whether the registry's own order of everyone is asked for. Any other list has to look at everyone. */
export function isPlainList({ search, filter, sort }: ListQuery): boolean {
  return search === "" && filter.where === undefined && sort === "active";
}

/** Returns what finds the same users again, as parameters of an address. */
export function findingParameters({ search, filter }: ListQuery): (readonly [string, string])[] {
  const parameters = filter.where === undefined ? [] : filterParameters(filter);
  return search === "" ? parameters : [["q", search], ...parameters];
}
