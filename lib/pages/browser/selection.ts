import { formatNumber } from "./times.js";

/** The selected users: check boxes of the rows on this page, hidden fields for users who are not on it. */
export class Selection {
  readonly #form: HTMLFormElement;

  constructor(form: HTMLFormElement) {
    this.#form = form;
    form.querySelector("[data-clear]")?.addEventListener("click", (event) => {
      event.preventDefault();
      this.clear();
    });
  }

  get userIds(): ReadonlySet<string> {
    return new Set(this.#selected().map((box) => box.value));
  }

  /** The selection as the browser itself writes it into an address. */
  get query(): string {
    return new URLSearchParams(this.#selected().map((box) => ["user", box.value])).toString();
  }

  /** Handles a change of a check box. Clears the box again if the address cannot carry one more user. */
  change(box: HTMLInputElement): void {
    const maxLength = Number(this.#form.querySelector<HTMLElement>("[data-selection]")?.dataset["length"]);
    const isFull = this.query.length >= maxLength;
    if (isFull) box.checked = false;
    this.#showFull(isFull);
    this.#showCount();
  }

  clear(): void {
    for (const box of this.#boxes()) {
      if (box.type === "hidden") box.remove();
      else box.checked = false;
    }
    this.#showFull(false);
    this.#showCount();
  }

  /** Selects these users again after the rows were replaced. */
  restore(userIds: ReadonlySet<string>): void {
    const rows = this.#boxes().filter((box) => box.type !== "hidden");
    for (const box of rows) box.checked = userIds.has(box.value);
    const elsewhere = [...userIds].filter((userId) => !rows.some((box) => box.value === userId));
    this.#form.querySelector("[data-elsewhere]")?.replaceChildren(...elsewhere.map(hiddenField));
    this.#showCount();
  }

  #boxes(): HTMLInputElement[] {
    return [...this.#form.querySelectorAll<HTMLInputElement>("input[name=user]")];
  }

  #selected(): HTMLInputElement[] {
    return this.#boxes().filter((box) => box.type === "hidden" || box.checked);
  }

  #showFull(isFull: boolean): void {
    const full = this.#form.querySelector<HTMLElement>("[data-full]");
    if (full !== null) full.textContent = isFull ? (full.dataset["full"] ?? "") : "";
  }

  #showCount(): void {
    const count = this.userIds.size;
    this.#form.querySelector("[data-selection]")?.toggleAttribute("data-none", count === 0);
    const label = this.#form.querySelector<HTMLElement>("[data-one]");
    if (label === null) return;
    const { one = "", many = "" } = label.dataset;
    label.textContent = count === 1 ? one : many.replace("2", formatNumber(count));
  }
}

function hiddenField(userId: string): HTMLInputElement {
  return Object.assign(document.createElement("input"), { type: "hidden", name: "user", value: userId });
}
