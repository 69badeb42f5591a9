import { invalidCursor, LogoutError } from "../errors.js";
import type { Page } from "../types/history.js";
import type { RegistryList, RegistryPage } from "../types/registry.js";

const MAX_PAGE = 1_000;
export const DEFAULT_PAGE = 50;

/** Which page of a list is read. */
export interface PageRequest {
  /** Maximum number of items, 1 to 1,000. Default: 50. */
  readonly limit?: number | undefined;
  /** {@link CountedPage.cursor} of the previous page. Default: the first page. */
  readonly cursor?: string | undefined;
}

/** One page of a list, with the size of the whole list. */
export interface CountedPage<Item> extends Page<Item> {
  /** The number of items on all pages. */
  readonly total: number;
}

/** Reads one page of a list, by a limit and a cursor. */
export async function readPage<Item>(
  { limit = DEFAULT_PAGE, cursor }: PageRequest,
  read: (page: RegistryPage) => Promise<RegistryList<Item>>,
): Promise<CountedPage<Item>> {
  const size = limitArgument(limit);
  const offset = cursor === undefined ? 0 : readCursor(cursor);
  const { items, total } = await read({ offset, limit: size });
  const next = offset + size;
  return { items, total, ...(items.length === 0 || next >= total ? {} : { cursor: writeCursor(next) }) };
}

function writeCursor(offset: number): string {
  return Buffer.from(`o${String(offset)}`).toString("base64url");
}

function readCursor(cursor: unknown): number {
  const text = typeof cursor === "string" ? Buffer.from(cursor, "base64url").toString() : "";
  if (/^o\d{1,15}$/.test(text)) return Number(text.slice(1));
  throw invalidCursor();
}

/** @throws LogoutError `ERR_ARGUMENT_INVALID` */
export function limitArgument(value: unknown): number {
  if (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAX_PAGE) return value as number;
  throw new LogoutError("ERR_ARGUMENT_INVALID", `limit must be a whole number from 1 to ${String(MAX_PAGE)}.`);
}
