import type { ProgressLine } from "./requests.js";

/** The confirmation form while users are being forced offline, and when that is over. */
export class KickProgress {
  readonly #form: HTMLFormElement;
  readonly #cancel: HTMLElement | null;
  readonly #submit: HTMLButtonElement | null;

  constructor(form: HTMLFormElement) {
    this.#form = form;
    this.#cancel = form.querySelector("[data-cancel]");
    this.#submit = form.querySelector("[data-again]");
  }

  begin(): void {
    this.#setBusy(true);
    this.#label("stop");
    this.#showResult();
  }

  readonly show = ({ message, done, total }: ProgressLine): void => {
    const label = this.#form.querySelector("[data-progress] span");
    const bar = this.#form.querySelector("progress");
    if (label !== null) label.textContent = message;
    if (bar !== null && done !== undefined && total !== undefined) Object.assign(bar, { max: total, value: done });
  };

  /** It is done: the form gives way to its result. */
  succeed(last: ProgressLine): void {
    this.#setBusy(false);
    for (const part of this.#form.querySelectorAll<HTMLElement>("label, .people, form > p:not(.result, .buttons)"))
      part.hidden = true;
    if (this.#submit !== null) this.#submit.hidden = true;
    this.#label("close");
    this.#showResult(last);
  }

  /** It has stopped before its end, and can be tried again. What it has reached stays in sight. */
  fail(last: ProgressLine): void {
    const bar = this.#form.querySelector("progress");
    this.#setBusy(false);
    if (bar !== null) bar.hidden = true;
    this.#label("close");
    if (this.#submit !== null) this.#submit.textContent = this.#submit.dataset["again"] ?? "";
    this.#showResult(last);
  }

  #setBusy(isBusy: boolean): void {
    const progress = this.#form.querySelector<HTMLElement>("[data-progress]");
    const bar = this.#form.querySelector("progress");
    this.#form.toggleAttribute("aria-busy", isBusy);
    if (this.#submit !== null) this.#submit.disabled = isBusy;
    if (isBusy && progress !== null) progress.hidden = false;
    if (isBusy && bar !== null) bar.hidden = false;
  }

  #label(name: "stop" | "close"): void {
    if (this.#cancel !== null) this.#cancel.textContent = this.#cancel.dataset[name] ?? "";
  }

  #showResult({ message, detail = "" }: ProgressLine = { message: "" }): void {
    const result = this.#form.querySelector<HTMLElement>("[data-result]");
    if (result === null) return;
    result.replaceChildren(message, ...(detail === "" ? [] : [document.createElement("br"), detail]));
    if (message !== "") result.focus();
  }
}
