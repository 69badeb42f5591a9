import { localizeTimes } from "./times.js";

/** The rows of users in a table. */
export function rowsOf(within: ParentNode): HTMLTableRowElement[] {
  return [...within.querySelectorAll<HTMLTableRowElement>("tr[data-user]")];
}

/** Returns the user in whose row an element is. */
export function userIdOf(element: Element): string {
  return element.closest<HTMLElement>("tr[data-user]")?.dataset["user"] ?? "";
}

/** Takes over the cells that differ, but for the tick. An opened list of logins and the focus stay. */
export function updateRow(row: HTMLTableRowElement, fresh: HTMLTableRowElement): void {
  row.toggleAttribute("data-offline", false);
  localizeTimes(fresh);
  for (const [index, cell] of [...row.cells].entries()) {
    const next = fresh.cells[index];
    if (index === 0 || next === undefined) continue;
    next.querySelector("details")?.toggleAttribute("open", cell.querySelector("details[open]") !== null);
    if (cell.innerHTML === next.innerHTML) continue;
    const focused = focusableIn(cell).indexOf(document.activeElement as HTMLElement);
    cell.replaceChildren(...next.childNodes);
    focusableIn(cell)[focused]?.focus({ preventScroll: true });
  }
}

/** Marks the row of a user who is offline by now. */
export function markOffline(row: HTMLTableRowElement, text: string): void {
  row.toggleAttribute("data-offline", true);
  row.querySelector("[data-active]")?.replaceChildren(text);
}

function focusableIn(cell: Element): HTMLElement[] {
  return [...cell.querySelectorAll<HTMLElement>("a, button, input, summary")];
}
