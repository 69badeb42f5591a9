import { getPage, parsePage } from "./requests.js";
import { localizeTimes } from "./times.js";

/** Shows another page in place of this one. */
export function replacePage(fresh: Document): void {
  document.title = fresh.title;
  document.body.replaceWith(document.importNode(fresh.body, true));
  localizeTimes(document);
  // A screen reader says what has come in place of the page.
  document.querySelector("h1")?.focus();
}

/** Loads this page again, and takes over the content of an element. What cannot be loaded stays as it is. */
export async function reloadPart(part: HTMLElement, selector: string): Promise<void> {
  try {
    const fresh = parsePage(await (await getPage(location.href)).text()).querySelector(selector);
    if (fresh === null) return;
    part.replaceChildren(...fresh.childNodes);
    localizeTimes(part);
  } catch {
    // The next visit shows it.
  }
}
