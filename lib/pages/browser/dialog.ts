import { KickProgress } from "./kick-progress.js";
import { previewReason } from "./reason.js";
import { getPage, isRejection, parsePage, postForm, readProgress } from "./requests.js";
import { showFailure, showStatus } from "./status.js";

/** The status if no user was selected, or the login has ended. */
const NONE_SELECTED = 409;

/** The page that opens dialogs. */
export interface DialogOwner {
  /** The users who are selected, as an address has them. */
  readonly query: () => string;
  /** Users were forced offline, by a press on this element. */
  readonly done: (opener: HTMLElement) => Promise<void>;
  /** The reader has lost access: the page gives way to this one. */
  readonly rejected: (page: Document) => void;
}

/** Shows the confirmation page as a dialog and sends its form without leaving the page. */
export class ConfirmationDialog {
  readonly #owner: DialogOwner;
  #isOpening = false;

  constructor(owner: DialogOwner) {
    this.#owner = owner;
  }

  /** Whether a dialog is open or being loaded. */
  get isActive(): boolean {
    return this.#isOpening || document.querySelector("dialog[open]") !== null;
  }

  /** Loads the confirmation page and opens it. Ignores further clicks while the page is loading. */
  async open(opener: HTMLElement): Promise<void> {
    if (this.#isOpening) return;
    this.#isOpening = true;
    opener.setAttribute("aria-busy", "true");
    const action = `${opener.getAttribute("formaction") ?? ""}?${this.#owner.query()}`;
    const url = opener instanceof HTMLAnchorElement ? opener.href : action;
    try {
      const response = await getPage(url);
      // To log in, or to confirm one's identity.
      if (response.type === "opaqueredirect") location.assign(url);
      else this.#answer(response, parsePage(await response.text()), opener);
    } catch {
      showFailure();
    } finally {
      opener.removeAttribute("aria-busy");
      this.#isOpening = false;
    }
  }

  #answer(response: Response, page: Document, opener: HTMLElement): void {
    const confirmation = page.querySelector<HTMLFormElement>("form[data-confirmation]");
    if (confirmation !== null) this.#show(confirmation, opener);
    else if (isRejection(response)) this.#owner.rejected(page);
    else if (response.status === NONE_SELECTED) showStatus(page.querySelector("h1")?.textContent ?? "", "error");
    else showFailure();
  }

  #show(confirmation: HTMLFormElement, opener: HTMLElement): void {
    const dialog = document.createElement("dialog");
    const form = document.importNode(confirmation, true);
    let running: AbortController | undefined;
    const leave = (event: Event): void => {
      event.preventDefault();
      if (running === undefined) dialog.close();
      else running.abort();
    };
    dialog.className = "wide";
    dialog.setAttribute("aria-labelledby", "question");
    dialog.append(form);
    document.body.append(dialog);
    dialog.addEventListener("cancel", leave);
    form.querySelector("[data-cancel]")?.addEventListener("click", leave);
    dialog.addEventListener("close", () => {
      dialog.remove();
      // An item of a menu that has closed meanwhile cannot have the focus.
      (opener.closest("details:not([open])")?.querySelector("summary") ?? opener).focus();
      const { done } = form.dataset;
      if (done !== undefined) void this.#finish(opener, done);
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      running = new AbortController();
      void this.#send(form, dialog, running.signal).finally(() => (running = undefined));
    });
    previewReason(form);
    dialog.showModal();
    // The question is read first, also by a screen reader.
    form.querySelector<HTMLElement>("h1")?.focus();
  }

  /** Sends the form and shows the progress. After an error the dialog stays open, so that the form can be sent again. */
  async #send(form: HTMLFormElement, dialog: HTMLDialogElement, signal: AbortSignal): Promise<void> {
    const progress = new KickProgress(form);
    progress.begin();
    const response = await postForm(form, signal);
    if (response !== undefined && isRejection(response)) {
      this.#owner.rejected(parsePage(await response.text()));
      return;
    }
    const last = await readProgress(response, progress.show);
    if (last?.code !== 200) {
      progress.fail(last ?? { message: form.dataset["stopped"] ?? "" });
      return;
    }
    // A result for many stays in the dialog: the administrator may be logged out as well.
    const isMassKick = form.elements.namedItem("me") !== null;
    form.dataset["done"] = isMassKick ? "" : last.message;
    if (isMassKick) progress.succeed(last);
    else dialog.close();
  }

  async #finish(opener: HTMLElement, message: string): Promise<void> {
    await this.#owner.done(opener);
    if (message !== "") showStatus(message, "result");
  }
}
