import { replacePage } from "./page.js";
import { getPage, isRejection, parsePage } from "./requests.js";
import { markOffline, replaceContent, rowsOf, updateRow, userIdOf } from "./rows.js";
import type { Selection } from "./selection.js";
import { formatNumber, localizeTimes } from "./times.js";

const REFRESH_MS = 3_000;
/** A list that takes long to make is asked for less often: it costs the server at most this share of its time. */
const SHARE = 1 / 20;

/**
 * Keeps the table up to date: requests the current page every three seconds. No row moves, so that a click reaches the user under the
 * pointer and no other: rows are updated in place, and newcomers wait behind a button.
 */
export class TableRefresh {
  readonly #form: HTMLFormElement;
  readonly #selection: Selection;
  /** Whether a dialog is being opened or is open. The table must not change then: closing focuses the opener. */
  readonly #isPaused: () => boolean;
  #timer = window.setTimeout(() => void this.run(), REFRESH_MS);
  #running: Promise<void> | undefined;
  #isOver = false;

  constructor(form: HTMLFormElement, selection: Selection, isPaused: () => boolean) {
    this.#form = form;
    this.#selection = selection;
    this.#isPaused = isPaused;
    this.#newcomers?.addEventListener("click", () => void this.showAll());
  }

  /** Updates the rows that are shown. */
  async run(): Promise<void> {
    if (this.#running !== undefined) return;
    const asked = this.#shownIds();
    await this.#ask(this.#url(asked), (fresh) => {
      this.#updateRows(fresh, new Set(asked));
    });
  }

  /** Shows the rows that a reload would show, in its order. */
  async showAll(): Promise<void> {
    await this.#running;
    await this.#ask(this.#url(), (fresh) => {
      this.#replaceRows(fresh);
    });
  }

  async #ask(url: string, update: (fresh: Document) => void): Promise<void> {
    const began = performance.now();
    this.#running = this.#request(url, update).finally(() => {
      this.#running = undefined;
      window.clearTimeout(this.#timer);
      if (this.#isOver) return;
      const pause = Math.max(REFRESH_MS, (performance.now() - began) / SHARE);
      this.#timer = window.setTimeout(() => void this.run(), pause);
    });
    await this.#running;
  }

  async #request(url: string, update: (fresh: Document) => void): Promise<void> {
    if (this.#isOver || document.hidden || this.#isPaused()) return;
    try {
      const response = await getPage(url);
      this.#showTrouble(response.status >= 400 && !isRejection(response));
      if (response.type === "opaqueredirect") location.reload();
      else if (isRejection(response)) this.replacePage(parsePage(await response.text()));
      else if (response.ok) this.#update(parsePage(await response.text()), update);
    } catch {
      this.#showTrouble(true);
    }
  }

  /** Shows a rejection in place of the page. Nothing is requested any more: a second request would not get the reason again. */
  replacePage(fresh: Document): void {
    this.#isOver = true;
    window.clearTimeout(this.#timer);
    replacePage(fresh);
  }

  get #newcomers(): HTMLButtonElement | null {
    return this.#form.querySelector("[data-newcomers]");
  }

  /** The users to ask for: as many as fit into an address. A row without a box has an id that no address can carry. */
  #shownIds(): string[] {
    const boxes = [...this.#form.querySelectorAll<HTMLInputElement>("tr[data-user] input[name=user]")];
    let { length } = this.#url();
    return boxes
      .map(({ value }) => value)
      .filter((userId) => (length += `&${parameter(userId)}`.length) < this.#selection.maxLength);
  }

  /** The page, with these users. What is selected, the page knows itself. */
  #url(shownIds: readonly string[] = []): string {
    const { pathname, search } = location;
    const parameters = new URLSearchParams(search);
    for (const name of ["user", "users", "logins"]) parameters.delete(name);
    const parts = [parameters.toString(), ...shownIds.map(parameter)].filter((part) => part !== "");
    return parts.length === 0 ? pathname : `${pathname}?${parts.join("&")}`;
  }

  /** Shows or hides the warning that the list is out of date. The list itself stays, and the next refresh tries again. */
  #showTrouble(isTrouble: boolean): void {
    const trouble = this.#form.querySelector<HTMLElement>("[data-trouble]");
    if (trouble !== null) trouble.hidden = !isTrouble;
  }

  #update(fresh: Document, update: (fresh: Document) => void): void {
    if (this.#isPaused() || document.activeElement instanceof HTMLSelectElement || this.#isTextSelected()) return;
    update(fresh);
    this.#updateParts(fresh);
  }

  #updateRows(fresh: Document, asked: ReadonlySet<string>): void {
    const offline = this.#table?.dataset["tableOf"] ?? "";
    const unread = new Set(
      Array.from(fresh.querySelectorAll<HTMLElement>("[data-unread]"), ({ dataset }) => dataset["unread"]),
    );
    const found = new Map(rowsOf(fresh).map((row) => [userIdOf(row), row]));
    for (const row of rowsOf(this.#form)) {
      const userId = userIdOf(row);
      const now = found.get(userId);
      found.delete(userId);
      if (now !== undefined) updateRow(row, now, offline);
      // Of those who were not asked for, nothing is known.
      else if (asked.has(userId) && !unread.has(userId)) markOffline(row, offline);
    }
    this.#showNewcomers(found.size);
  }

  #replaceRows(fresh: Document): void {
    const { userIds } = this.#selection;
    const table = fresh.querySelector("[data-table-of]");
    if (table === null) return;
    localizeTimes(table);
    this.#table?.replaceChildren(...table.childNodes);
    this.#selection.restore(userIds);
    this.#showNewcomers(0);
  }

  /** Replaces the other parts that change: the count, and the page numbers, of which one may have the focus. */
  #updateParts(fresh: Document): void {
    const active = document.activeElement;
    const page = active instanceof HTMLButtonElement && active.name === "page" ? active.value : undefined;
    for (const part of this.#form.querySelectorAll<HTMLElement>("[data-live]")) {
      const next = fresh.querySelector<HTMLElement>(`[data-live="${part.dataset["live"] ?? ""}"]`);
      if (next !== null) replaceContent(part, next);
    }
    if (page === undefined) return;
    this.#form.querySelector<HTMLElement>(`button[name=page][value="${page}"]`)?.focus({ preventScroll: true });
  }

  get #table(): HTMLElement | null {
    return this.#form.querySelector("[data-table-of]");
  }

  #showNewcomers(count: number): void {
    const button = this.#newcomers;
    if (button === null) return;
    button.hidden = count === 0;
    button.textContent = (button.dataset["newcomers"] ?? "").replace("2", formatNumber(count));
  }

  /** Whether the reader is copying something from the table. */
  #isTextSelected(): boolean {
    const selection = getSelection();
    return selection?.isCollapsed === false && this.#table?.contains(selection.anchorNode) === true;
  }
}

function parameter(userId: string): string {
  return new URLSearchParams({ shown: userId }).toString();
}
