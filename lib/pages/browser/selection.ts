import { formatNumber } from "./times.js";

/** The selected users: check boxes of the rows on this page, hidden fields for users who are not on it. */
export class Selection {
  readonly #form: HTMLFormElement;
  /** The box that was changed last: a change with Shift reaches from there. */
  #last: HTMLInputElement | undefined;

  constructor(form: HTMLFormElement) {
    this.#form = form;
    // The browser may show the page as it was left, with its ticks.
    addEventListener("pageshow", () => {
      this.#show();
    });
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

  /** How long an address may be that carries users, in characters. */
  get maxLength(): number {
    return Number(this.#form.querySelector<HTMLElement>("[data-selection]")?.dataset["length"]);
  }

  /** Handles a change of a user's box, of those from the last one to it, or of the box for the whole page. */
  change(box: HTMLInputElement, isRange: boolean): void {
    if (box.dataset["all"] !== undefined) this.#set(this.#rowBoxes(), box.checked);
    else {
      this.#set(isRange ? this.#from(this.#last, box) : [box], box.checked);
      this.#last = box;
    }
    this.#show();
  }

  clear(): void {
    for (const box of this.#boxes()) {
      if (box.type === "hidden") box.remove();
      else box.checked = false;
    }
    this.#showFull(false);
    this.#show();
  }

  remove(userId: string): void {
    for (const box of this.#boxes().filter(({ value }) => value === userId)) box.checked = false;
    this.#show();
  }

  /** Selects these users again after the rows were replaced. */
  restore(userIds: ReadonlySet<string>): void {
    const rows = this.#rowBoxes();
    for (const box of rows) box.checked = userIds.has(box.value);
    const elsewhere = [...userIds].filter((userId) => !rows.some((box) => box.value === userId));
    this.#form.querySelector("[data-elsewhere]")?.replaceChildren(...elsewhere.map(hiddenField));
    this.#show();
  }

  /** Sets these boxes, as many as the address can carry. */
  #set(boxes: readonly HTMLInputElement[], isChecked: boolean): void {
    let isFull = false;
    for (const box of boxes) {
      box.checked = isChecked;
      if (!isChecked || this.query.length < this.maxLength) continue;
      box.checked = false;
      isFull = true;
    }
    this.#showFull(isFull);
  }

  /** The boxes from one to another, in the order of the rows. */
  #from(first: HTMLInputElement | undefined, last: HTMLInputElement): HTMLInputElement[] {
    const boxes = this.#rowBoxes();
    const ends = [first === undefined ? -1 : boxes.indexOf(first), boxes.indexOf(last)];
    return ends.includes(-1) ? [last] : boxes.slice(Math.min(...ends), Math.max(...ends) + 1);
  }

  #boxes(): HTMLInputElement[] {
    return [...this.#form.querySelectorAll<HTMLInputElement>("input[name=user]")];
  }

  #rowBoxes(): HTMLInputElement[] {
    return this.#boxes().filter((box) => box.type !== "hidden");
  }

  #selected(): HTMLInputElement[] {
    return this.#boxes().filter((box) => box.type === "hidden" || box.checked);
  }

  #showFull(isFull: boolean): void {
    const full = this.#form.querySelector<HTMLElement>("[data-full]");
    if (full !== null) full.textContent = isFull ? (full.dataset["full"] ?? "") : "";
  }

  /** Shows how many are selected, and keeps them in the address: Back and a reload bring them back. */
  #show(): void {
    const url = new URL(location.href);
    url.searchParams.delete("user");
    const search = [url.search.slice(1), this.query].filter((part) => part !== "").join("&");
    history.replaceState(history.state, "", `${url.pathname}${search === "" ? "" : `?${search}`}`);
    const count = this.userIds.size;
    this.#form.querySelector("[data-selection]")?.toggleAttribute("data-none", count === 0);
    this.#showPage();
    const label = this.#form.querySelector<HTMLElement>("[data-one]");
    if (label === null) return;
    const { one = "", many = "" } = label.dataset;
    label.textContent = count === 1 ? one : many.replace("2", formatNumber(count));
  }

  /** Shows whether none, some or all users of the page are selected. */
  #showPage(): void {
    const all = this.#form.querySelector<HTMLInputElement>("[data-all]");
    if (all === null) return;
    const boxes = this.#rowBoxes();
    const checked = boxes.filter((box) => box.checked).length;
    all.checked = boxes.length > 0 && checked === boxes.length;
    all.indeterminate = checked > 0 && checked < boxes.length;
  }
}

function hiddenField(userId: string): HTMLInputElement {
  return Object.assign(document.createElement("input"), { type: "hidden", name: "user", value: userId });
}
