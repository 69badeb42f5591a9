import type { TableRefresh } from "./refresh.js";
import { getPage, isRejection, parsePage, postForm, readProgress, type ProgressLine } from "./requests.js";
import type { Selection } from "./selection.js";

/** Shows the confirmation page as a dialog and sends its form without leaving the table. */
export class ConfirmationDialog {
  readonly #selection: Selection;
  readonly #refresh: TableRefresh;
  #isOpening = false;

  constructor(selection: Selection, refresh: TableRefresh) {
    this.#selection = selection;
    this.#refresh = refresh;
  }

  /** Whether a dialog is open or being loaded. */
  get isActive(): boolean {
    return this.#isOpening || document.querySelector("dialog[open]") !== null;
  }

  /** Loads the confirmation page and opens it. Ignores further clicks while the page is loading. */
  async open(opener: HTMLElement): Promise<void> {
    if (this.#isOpening) return;
    this.#isOpening = true;
    const action = `${opener.getAttribute("formaction") ?? ""}?${this.#selection.query}`;
    const url = opener instanceof HTMLAnchorElement ? opener.href : action;
    try {
      const response = await getPage(url);
      const page = parsePage(await response.text());
      const confirmation = page.querySelector("form[data-confirmation]");
      if (confirmation !== null) this.#show(confirmation, opener);
      else if (isRejection(response)) this.#refresh.replacePage(page);
      else location.assign(url);
    } catch {
      location.assign(url);
    } finally {
      this.#isOpening = false;
    }
  }

  #show(confirmation: Element, opener: HTMLElement): void {
    const dialog = document.createElement("dialog");
    dialog.setAttribute("aria-labelledby", "question");
    dialog.append(document.importNode(confirmation, true));
    document.body.append(dialog);
    dialog.addEventListener("close", () => {
      dialog.remove();
      opener.focus();
    });
    dialog.querySelector("[data-cancel]")?.addEventListener("click", (event) => {
      event.preventDefault();
      dialog.close();
    });
    dialog.querySelector("form")?.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#send(event.currentTarget as HTMLFormElement, dialog);
    });
    dialog.showModal();
    dialog.querySelector<HTMLElement>("input:not([type=hidden])")?.focus();
  }

  /** Sends the form and shows the progress. After an error the dialog stays open, so that the form can be sent again. */
  async #send(form: HTMLFormElement, dialog: HTMLDialogElement): Promise<void> {
    const buttons = [...form.querySelectorAll<HTMLButtonElement>("button:not([hidden])")];
    for (const button of buttons) button.disabled = true;
    const show = startProgress(form);
    const response = await postForm(form);
    if (response !== undefined && isRejection(response)) {
      this.#refresh.replacePage(parsePage(await response.text()));
      return;
    }
    const last = await readProgress(response, show);
    for (const button of buttons) button.disabled = false;
    if (last === undefined) show({ message: form.dataset["stopped"] ?? "" });
    if (last?.code !== 200) return;
    this.#selection.clear();
    dialog.close();
    const status = document.querySelector("[data-status]");
    if (status !== null) status.textContent = last.message;
    await this.#refresh.run();
  }
}

/** Shows the progress bar. Returns a function that updates the bar and its text. */
function startProgress(form: HTMLFormElement): (line: ProgressLine) => void {
  const progress = form.querySelector<HTMLElement>("[data-progress]");
  const bar = form.querySelector("progress");
  const label = form.querySelector("[data-progress] span");
  if (progress !== null) progress.hidden = false;
  return ({ message, done, total }) => {
    if (label !== null) label.textContent = message;
    if (bar !== null && done !== undefined && total !== undefined) Object.assign(bar, { max: total, value: done });
  };
}
