import { localizeTimes } from "./times.js";

/** The rows of users, in order. Each may be followed by one with the user's logins. */
export function rowsOf(within: ParentNode): HTMLTableRowElement[] {
  return [...within.querySelectorAll<HTMLTableRowElement>("tr[data-user]")];
}

export function userIdOf(row: HTMLTableRowElement): string {
  return row.dataset["user"] ?? "";
}

/** The row with the logins of a user who has several. */
export function loginsRowOf(row: HTMLTableRowElement): HTMLTableRowElement | undefined {
  const next = row.nextElementSibling;
  return next instanceof HTMLTableRowElement && next.dataset["loginsOf"] !== undefined ? next : undefined;
}

/** Shows the newest data of a user. Tick, focus and an opened list of logins stay. */
export function updateRow(row: HTMLTableRowElement, fresh: HTMLTableRowElement, offline: string): void {
  row.toggleAttribute("data-offline", false);
  updateLogins(row, loginsRowOf(fresh), offline);
  localizeTimes(fresh);
  for (const [index, cell] of [...row.cells].entries()) {
    const next = fresh.cells[index];
    if (index > 0 && next !== undefined) replaceContent(cell, next);
  }
}

/** Marks the row of a user who is offline by now. */
export function markOffline(row: HTMLTableRowElement, text: string): void {
  row.toggleAttribute("data-offline", true);
  row.querySelector("[data-active]")?.replaceChildren(text);
  for (const login of itemsOf(loginsRowOf(row))) markEnded(login, text);
}

/** Opens or closes the list of a user's logins, and keeps that in the address. */
export function toggleLogins(pill: HTMLElement): void {
  const row = pill.closest<HTMLTableRowElement>("tr[data-user]");
  const logins = row === null ? undefined : loginsRowOf(row);
  if (row === null || logins === undefined) return;
  logins.hidden = !logins.hidden;
  pill.setAttribute("aria-expanded", String(!logins.hidden));
  const url = new URL(location.href);
  if (logins.hidden) url.searchParams.delete("open", userIdOf(row));
  else url.searchParams.append("open", userIdOf(row));
  history.replaceState(history.state, "", url);
}

/** An open list keeps its length: another login in it would move the rows below. */
function updateLogins(row: HTMLTableRowElement, fresh: HTMLTableRowElement | undefined, offline: string): void {
  const logins = loginsRowOf(row);
  if (fresh !== undefined) localizeTimes(fresh);
  if (logins === undefined || logins.hidden || fresh === undefined) {
    logins?.remove();
    if (fresh !== undefined) row.after(document.importNode(fresh, true));
    return;
  }
  const found = new Map(itemsOf(fresh).map((item) => [item.dataset["login"], item]));
  for (const item of itemsOf(logins)) {
    const now = found.get(item.dataset["login"]);
    if (now === undefined) markEnded(item, offline);
    else replaceContent(item, now);
  }
}

function itemsOf(logins: HTMLTableRowElement | undefined): HTMLElement[] {
  return [...(logins?.querySelectorAll<HTMLElement>("[data-login]") ?? [])];
}

function markEnded(login: HTMLElement, text: string): void {
  login.toggleAttribute("data-offline", true);
  login.querySelector("[data-active]")?.replaceChildren(text);
}

/** Replaces what differs: what has the focus, or is selected as text, mostly stays. */
export function replaceContent(part: HTMLElement, fresh: HTMLElement): void {
  part.toggleAttribute("data-offline", false);
  if (part.innerHTML === fresh.innerHTML) return;
  const focused = focusableIn(part).indexOf(document.activeElement as HTMLElement);
  part.replaceChildren(...fresh.childNodes);
  focusableIn(part)[focused]?.focus({ preventScroll: true });
}

function focusableIn(cell: Element): HTMLElement[] {
  return [...cell.querySelectorAll<HTMLElement>("a, button, input, summary")];
}
