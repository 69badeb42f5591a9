import { LogoutError } from "../errors.js";
import type { RegistryList, RegistryPage } from "../types/registry.js";

const MAX_PAGE = 1_000;

/** Which page of a list is read. */
export interface PageRequest {
  /** Maximum number of items, 1 to 1,000. Default: 50. */
  readonly limit?: number | undefined;
  /** {@link CountedPage.cursor} of the previous page. Default: the first page. */
  readonly cursor?: string | undefined;
}

/** One page of a list, with the size of the whole list. */
export interface CountedPage<Item> {
  readonly items: readonly Item[];
  /** Reads the next page. Absent on the last one. */
  readonly cursor?: string | undefined;
  /** The number of items on all pages. */
  readonly total: number;
}

/** Reads one page of a list, by a limit and a cursor. */
export async function readPage<Item>(
  { limit = 50, cursor }: PageRequest,
  read: (page: RegistryPage) => Promise<RegistryList<Item>>,
): Promise<CountedPage<Item>> {
  const size = integerArgument("limit", limit, 1, MAX_PAGE);
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
  throw new LogoutError("ERR_ARGUMENT_INVALID", "cursor must be the cursor of the previous page.");
}

function integerArgument(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new LogoutError(
    "ERR_ARGUMENT_INVALID",
    `${name} must be a whole number from ${String(least)} to ${String(most)}.`,
  );
}
