import { formatNumber } from "./format.js";
import type { Texts } from "./texts/index.js";

export const PAGE_SIZES = [10, 20, 50, 100] as const;

interface PagerProps {
  readonly texts: Texts;
  readonly page: number;
  readonly limit: number;
  /** How many items there are on all pages. */
  readonly total: number;
}

/** Renders the numbers of pages, and how many items each has, as buttons of the form around them. */
export function Pager({ texts, page, limit, total }: PagerProps) {
  return (
    <nav class="pager" aria-label={texts.pages} data-live="pager">
      <span class="num">{rangeOf({ page, limit, total }, texts)}</span>
      <Pages texts={texts} page={page} limit={limit} total={total} />
      <span class="sizes">
        <label for="limit">{texts.perPage}</label>
        <select id="limit" name="limit" autocomplete="off">
          {PAGE_SIZES.map((size) => (
            <option key={size} value={size} selected={size === limit}>
              {size}
            </option>
          ))}
        </select>
        <button type="submit" data-scriptless>
          {texts.show}
        </button>
      </span>
    </nav>
  );
}

/** Returns for example `1–10 of 20,001`. */
export function rangeOf({ page, limit, total }: Omit<PagerProps, "texts">, texts: Texts): string {
  if (total === 0) return formatNumber(0, texts);
  const [first, last] = [(page - 1) * limit + 1, Math.min(total, page * limit)];
  return texts.range(`${formatNumber(first, texts)}–${formatNumber(last, texts)}`, formatNumber(total, texts));
}

/** Renders the numbers of pages as buttons of the form around them; nothing for a single page. */
export function Pages({ texts, page, limit, total }: PagerProps) {
  const pages = Math.max(1, Math.ceil(total / limit));
  if (pages === 1) return <span class="pages" />;
  const near = [1, page - 1, page, page + 1, pages].filter((number) => number >= 1 && number <= pages);
  const numbers = [...new Set(near)];
  return (
    <span class="pages">
      {numbers.map((number, index) => (
        <>
          {index > 0 && number - (numbers[index - 1] ?? 0) > 1 ? <span>…</span> : null}
          <button type="submit" name="page" value={number} aria-current={number === page ? "page" : undefined}>
            {formatNumber(number, texts)}
          </button>
        </>
      ))}
      {page < pages ? (
        <button type="submit" name="page" value={page + 1}>
          {texts.next}
        </button>
      ) : null}
    </span>
  );
}
