import type { ProgressLine } from "./requests.js";
import { formatNumber } from "./times.js";

/** The confirmation form while users are being forced offline, and when that is over. */
export class KickProgress {
  readonly #form: HTMLFormElement;
  readonly #cancel: HTMLElement | null;
  readonly #submit: HTMLButtonElement | null;
  #quarter = 0;

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
    const bar = this.#form.querySelector("progress");
    const part = (name: string): HTMLElement | null => this.#form.querySelector(`[data-${name}]`);
    part("done")?.replaceChildren(message);
    if (bar === null || done === undefined || total === undefined) return;
    Object.assign(bar, { max: total, value: done });
    const percent = total === 0 ? 100 : Math.floor((done / total) * 100);
    part("percent")?.replaceChildren(`${String(percent)} %`);
    // Said at every quarter: a screen reader would not come to an end with each batch.
    if (Math.floor(percent / 25) === this.#quarter) return;
    this.#quarter = Math.floor(percent / 25);
    part("said")?.replaceChildren(message);
  };

  /** It is done: the form gives way to its result. */
  succeed(last: ProgressLine): void {
    this.#setBusy(false);
    this.#form.querySelector("header p")?.remove();
    this.#form.closest("dialog")?.classList.remove("wide");
    this.#count(last);
    // The question has been answered: the heading is the result.
    this.#form.querySelector("h1")?.replaceChildren(last.message);
    for (const asked of this.#form.querySelectorAll<HTMLElement>("[data-asked]")) asked.hidden = true;
    const progress = this.#form.querySelector<HTMLElement>("[data-progress]");
    if (progress !== null) progress.hidden = true;
    if (this.#submit !== null) this.#submit.hidden = true;
    this.#label("close");
    this.#showResult();
    this.#form.querySelector<HTMLElement>("h1")?.focus();
  }

  /** It has stopped before its end, and can be tried again. What it has reached stays in sight. */
  fail(last: ProgressLine): void {
    this.#setBusy(false);
    this.#form.querySelector("[data-progress]")?.classList.add("halted");
    this.#label("close");
    if (this.#submit !== null) this.#submit.textContent = last.again ?? this.#submit.dataset["again"] ?? "";
    const field = this.#form.elements.namedItem("selection");
    if (field instanceof HTMLInputElement && last.selection !== undefined) field.value = last.selection;
    this.#showResult(last);
  }

  /** Shows how many users, logins and seconds. */
  #count(last: ProgressLine): void {
    const stats = this.#form.querySelector<HTMLElement>("[data-stats]");
    if (stats === null || last.users === undefined) return;
    stats.hidden = false;
    for (const stat of stats.querySelectorAll<HTMLElement>("[data-stat]")) {
      stat.textContent = formatNumber(Number(last[stat.dataset["stat"] as "users" | "logins" | "seconds"]));
    }
  }

  #setBusy(isBusy: boolean): void {
    const progress = this.#form.querySelector<HTMLElement>("[data-progress]");
    this.#form.toggleAttribute("aria-busy", isBusy);
    if (this.#submit !== null) this.#submit.disabled = isBusy;
    if (!isBusy || progress === null) return;
    progress.hidden = false;
    progress.classList.remove("halted");
  }

  #label(name: "stop" | "close"): void {
    if (this.#cancel !== null) this.#cancel.textContent = this.#cancel.dataset[name] ?? "";
  }

  #showResult({ message, detail = "" }: ProgressLine = { message: "" }): void {
    const result = this.#form.querySelector<HTMLElement>("[data-result]");
    if (result === null) return;
    const more = Object.assign(document.createElement("span"), { className: "detail", textContent: detail });
    result.replaceChildren(message, ...(detail === "" ? [] : [more]));
    if (message !== "") result.focus();
  }
}
