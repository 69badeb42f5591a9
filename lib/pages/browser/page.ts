import { getPage, isRejection, parsePage } from "./requests.js";
import { localizeTimes } from "./times.js";

/** Shows another page in place of this one. */
export function replacePage(fresh: Document): void {
  document.title = fresh.title;
  document.body.replaceWith(document.importNode(fresh.body, true));
  localizeTimes(document);
  // A screen reader says what has come in place of the page.
  document.querySelector("h1")?.focus();
}

/** Loads this page again, and takes over the content of an element. What cannot be loaded stays as it is, and the page says so. */
export async function reloadPart(part: HTMLElement, selector: string): Promise<void> {
  const trouble = document.querySelector<HTMLElement>("[data-trouble]");
  try {
    const response = await getPage(location.href);
    if (response.type === "opaqueredirect") {
      location.reload();
      return;
    }
    const page = parsePage(await response.text());
    const fresh = page.querySelector(selector);
    if (isRejection(response)) replacePage(page);
    else if (fresh === null) throw new Error("no such page");
    else part.replaceChildren(...fresh.childNodes);
    localizeTimes(part);
  } catch {
    if (trouble !== null) trouble.hidden = false;
  }
}
