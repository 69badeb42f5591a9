import { getPage, parsePage } from "./requests.js";
import type { Selection } from "./selection.js";
import { localizeTimes } from "./times.js";

const REFRESH_MS = 3_000;

/** Keeps the table up to date: requests the current page every three seconds and takes over the parts marked as live. */
export class TableRefresh {
  readonly #form: HTMLFormElement;
  readonly #selection: Selection;
  /** Whether a dialog is being opened or is open. The table must not change then: closing focuses the opener. */
  readonly #isPaused: () => boolean;
  readonly #timer = window.setInterval(() => void this.run(), REFRESH_MS);
  #isRunning = false;

  constructor(form: HTMLFormElement, selection: Selection, isPaused: () => boolean) {
    this.#form = form;
    this.#selection = selection;
    this.#isPaused = isPaused;
  }

  async run(): Promise<void> {
    if (this.#isRunning || document.hidden || this.#isPaused()) return;
    this.#isRunning = true;
    try {
      const response = await getPage(location.href);
      this.#showTrouble(response.status >= 500);
      if (response.type === "opaqueredirect") location.reload();
      else if (response.ok) this.#update(parsePage(await response.text()));
      else if (response.status < 500) this.replacePage(parsePage(await response.text()));
    } catch {
      this.#showTrouble(true);
    } finally {
      this.#isRunning = false;
    }
  }

  /** Shows a rejection in place of the page and stops refreshing. A second request would not get the reason again. */
  replacePage(fresh: Document): void {
    window.clearInterval(this.#timer);
    document.title = fresh.title;
    document.body.replaceWith(document.importNode(fresh.body, true));
    localizeTimes(document);
  }

  /** Shows or hides the warning that the list is out of date. The list itself stays, and the next refresh tries again. */
  #showTrouble(isTrouble: boolean): void {
    const trouble = this.#form.querySelector<HTMLElement>("[data-trouble]");
    if (trouble !== null) trouble.hidden = !isTrouble;
  }

  /** Replaces the live parts. Selected users, opened rows and the focus stay. */
  #update(fresh: Document): void {
    if (this.#isPaused() || document.activeElement instanceof HTMLSelectElement) return;
    const { userIds } = this.#selection;
    const open = new Set([...this.#form.querySelectorAll("details[open]")].map((details) => userIdOf(details)));
    const restoreFocus = this.#rememberFocus();
    for (const part of this.#form.querySelectorAll<HTMLElement>("[data-live]")) {
      const replacement = fresh.querySelector(`[data-live="${part.dataset["live"] ?? ""}"]`);
      if (replacement === null) continue;
      part.replaceChildren(...document.importNode(replacement, true).childNodes);
      localizeTimes(part);
    }
    this.#selection.restore(userIds);
    for (const details of this.#form.querySelectorAll("details")) details.open = open.has(userIdOf(details));
    restoreFocus();
  }

  /** Remembers the focus by page number, or by user and position in the row, because the element will be replaced. */
  #rememberFocus(): () => void {
    const active = document.activeElement;
    if (active instanceof HTMLButtonElement && active.name === "page") {
      return () => this.#form.querySelector<HTMLElement>(`button[name=page][value="${active.value}"]`)?.focus();
    }
    const userId = active === null ? undefined : userIdOf(active);
    const index = active === null ? -1 : focusableIn(active.closest("tr")).indexOf(active as HTMLElement);
    return () => {
      const rows = [...this.#form.querySelectorAll("tr[data-user]")];
      const row = rows.find((candidate) => userId !== undefined && userIdOf(candidate) === userId);
      focusableIn(row ?? null)[index]?.focus();
    };
  }
}

function userIdOf(element: Element): string | undefined {
  return element.closest<HTMLElement>("tr[data-user]")?.dataset["user"];
}

function focusableIn(row: Element | null): HTMLElement[] {
  return row === null ? [] : [...row.querySelectorAll<HTMLElement>("a, button, input, summary")];
}
