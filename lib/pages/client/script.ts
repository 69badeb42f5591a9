// What pages gain by a script: times in the reader's own zone, a menu that closes, dialogs in place of pages, and a table
// that keeps itself fresh. Everything works without it.

const REFRESH_MS = 3_000;
/** How the page writes dates; where the reader's own way is one of the same language, that. */
const written = document.body.dataset["dates"] ?? "en-GB";
const language = navigator.languages.find((own) => own.split("-")[0] === written.split("-")[0]) ?? written;

const exactTime = new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "long" });
const shortTime = new Intl.DateTimeFormat(language, {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
});

/** A line of the answer while users are being forced offline. */
interface Line {
  readonly message: string;
  readonly code?: number;
  readonly done?: number;
  readonly total?: number;
}

document.documentElement.classList.add("scripted");
localizeTimes(document);
closeMenus();
const table = document.querySelector<HTMLFormElement>("form[data-table]");
if (table !== null) manage(table);

/** The server writes times in UTC: it does not know where the reader is. */
function localizeTimes(within: ParentNode): void {
  for (const time of within.querySelectorAll<HTMLTimeElement>("time[data-time]")) {
    const at = new Date(time.dateTime);
    time.title = exactTime.format(at);
    if (time.dataset["time"] === "short") time.textContent = shortTime.format(at);
  }
}

function closeMenus(): void {
  const open = () => document.querySelectorAll<HTMLDetailsElement>("details[data-menu][open]");
  document.addEventListener("click", ({ target }) => {
    for (const menu of open()) if (!menu.contains(target as Node)) menu.open = false;
  });
  document.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    for (const menu of open()) {
      menu.open = false;
      menu.querySelector("summary")?.focus();
    }
  });
}

function manage(form: HTMLFormElement): void {
  const boxes = () => [...form.querySelectorAll<HTMLInputElement>("input[name=user]")];
  const selected = () => boxes().filter((box) => box.type === "hidden" || box.checked);
  let isRefreshing = false;
  let isAsking = false;

  form.addEventListener("change", ({ target }) => {
    if (target instanceof HTMLSelectElement) form.requestSubmit();
    else if (target instanceof HTMLInputElement && target.type === "checkbox") select(target);
  });
  form.querySelector("[data-clear]")?.addEventListener("click", (event) => {
    event.preventDefault();
    clearSelection();
  });
  form.addEventListener("click", (event) => {
    const opener = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-dialog]") : null;
    if (opener === null || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    void ask(opener);
  });
  const refreshing = window.setInterval(() => void refresh(), REFRESH_MS);

  /** Who is checked goes along in the address, which has its limit. */
  function select(box: HTMLInputElement): void {
    const most = Number(form.querySelector<HTMLElement>("[data-selection]")?.dataset["length"]);
    const isFull = queryOf(selected()).length >= most;
    if (isFull) box.checked = false;
    showFull(isFull);
    showSelection();
  }

  function showFull(isFull: boolean): void {
    const full = form.querySelector<HTMLElement>("[data-full]");
    if (full !== null) full.textContent = isFull ? (full.dataset["full"] ?? "") : "";
  }

  function showSelection(): void {
    const count = new Set(selected().map((box) => box.value)).size;
    form.querySelector("[data-selection]")?.toggleAttribute("data-none", count === 0);
    const words = form.querySelector<HTMLElement>("[data-one]");
    if (words === null) return;
    const { one = "", many = "" } = words.dataset;
    words.textContent = count === 1 ? one : many.replace("2", new Intl.NumberFormat(language).format(count));
  }

  function clearSelection(): void {
    for (const box of boxes()) {
      if (box.type === "hidden") box.remove();
      else box.checked = false;
    }
    showFull(false);
    showSelection();
  }

  /** Fetches this very page and takes over what is new. */
  async function refresh(): Promise<void> {
    if (isRefreshing || document.hidden || hasQuestion()) return;
    isRefreshing = true;
    try {
      const response = await get(location.href);
      tellTrouble(response.status >= 500);
      if (response.type === "opaqueredirect") location.reload();
      else if (response.ok) takeOver(parse(await response.text()));
      else if (response.status < 500) giveWay(parse(await response.text()));
    } catch {
      tellTrouble(true);
    } finally {
      isRefreshing = false;
    }
  }

  /** The table stays as it is then: the focus goes back to what has opened the question. */
  function hasQuestion(): boolean {
    return isAsking || document.querySelector("dialog[open]") !== null;
  }

  /** What is on the page stays, and the next try comes soon. */
  function tellTrouble(isTrouble: boolean): void {
    const trouble = form.querySelector<HTMLElement>("[data-trouble]");
    if (trouble !== null) trouble.hidden = !isTrouble;
  }

  /** The reader may not see this page any more. Why is told once: it stands in this very answer. */
  function giveWay(fresh: Document): void {
    window.clearInterval(refreshing);
    document.title = fresh.title;
    document.body.replaceWith(document.importNode(fresh.body, true));
    localizeTimes(document);
  }

  /** Replaces what is live, and keeps what somebody is doing in it: what is checked, open, or has the focus. */
  function takeOver(fresh: Document): void {
    if (hasQuestion() || document.activeElement instanceof HTMLSelectElement) return;
    const checked = new Set(selected().map((box) => box.value));
    const open = new Set([...form.querySelectorAll("details[open]")].map((details) => userOf(details)));
    const giveFocusBack = rememberFocus();
    for (const part of form.querySelectorAll<HTMLElement>("[data-live]")) {
      const replacement = fresh.querySelector(`[data-live="${part.dataset["live"] ?? ""}"]`);
      if (replacement === null) continue;
      part.replaceChildren(...document.importNode(replacement, true).childNodes);
      localizeTimes(part);
    }
    const shown = boxes().filter((box) => box.type !== "hidden");
    for (const box of shown) box.checked = checked.has(box.value);
    const elsewhere = [...checked].filter((userId) => !shown.some((box) => box.value === userId));
    form.querySelector("[data-elsewhere]")?.replaceChildren(...elsewhere.map(hiddenBox));
    for (const details of form.querySelectorAll("details")) details.open = open.has(userOf(details));
    giveFocusBack();
    showSelection();
  }

  /** By the user's row and the place in it, or by the page's number: the element itself will be another one. */
  function rememberFocus(): () => void {
    const active = document.activeElement;
    if (active instanceof HTMLButtonElement && active.name === "page") {
      return () => form.querySelector<HTMLElement>(`button[name=page][value="${active.value}"]`)?.focus();
    }
    const userId = active === null ? undefined : userOf(active);
    const index = active === null ? -1 : focusable(active.closest("tr")).indexOf(active as HTMLElement);
    return () => {
      const rows = [...form.querySelectorAll("tr[data-user]")];
      const row = rows.find((candidate) => userId !== undefined && userOf(candidate) === userId);
      focusable(row ?? null)[index]?.focus();
    };
  }

  /** The page that asks is shown as a dialog; to a second click while it is on the way nothing more. */
  async function ask(opener: HTMLElement): Promise<void> {
    if (isAsking) return;
    isAsking = true;
    const action = `${opener.getAttribute("formaction") ?? ""}?${queryOf(selected())}`;
    const url = opener instanceof HTMLAnchorElement ? opener.href : action;
    try {
      const response = await get(url);
      const page = parse(await response.text());
      const confirmation = page.querySelector("form[data-confirmation]");
      if (confirmation !== null) showDialog(confirmation, opener);
      else if (isRefusal(response)) giveWay(page);
      else location.assign(url);
    } catch {
      location.assign(url);
    } finally {
      isAsking = false;
    }
  }

  function showDialog(confirmation: Element, opener: HTMLElement): void {
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
      void send(event.currentTarget as HTMLFormElement, dialog);
    });
    dialog.showModal();
    dialog.querySelector<HTMLElement>("input:not([type=hidden])")?.focus();
  }

  /** Sends the form and shows how it goes on. What breaks off stays in the dialog, to be sent again. */
  async function send(confirmation: HTMLFormElement, dialog: HTMLDialogElement): Promise<void> {
    const buttons = [...confirmation.querySelectorAll<HTMLButtonElement>("button:not([hidden])")];
    const progress = confirmation.querySelector<HTMLElement>("[data-progress]");
    const bar = confirmation.querySelector("progress");
    const words = confirmation.querySelector("[data-progress] span");
    for (const button of buttons) button.disabled = true;
    if (progress !== null) progress.hidden = false;
    const response = await post(confirmation);
    if (response !== undefined && isRefusal(response)) {
      giveWay(parse(await response.text()));
      return;
    }
    const last = await readLines(response, ({ message, done, total }) => {
      if (words !== null) words.textContent = message;
      if (bar !== null && done !== undefined && total !== undefined) Object.assign(bar, { max: total, value: done });
    });
    for (const button of buttons) button.disabled = false;
    if (last?.code !== 200) {
      if (words !== null && last === undefined) words.textContent = confirmation.dataset["brokeOff"] ?? "";
      return;
    }
    clearSelection();
    dialog.close();
    const status = document.querySelector("[data-status]");
    if (status !== null) status.textContent = last.message;
    await refresh();
  }
}

/** Asks for a page. It follows no redirect: it may lead to another site, where a script of this page may not go. */
function get(url: string): Promise<Response> {
  return fetch(url, { headers: { accept: "text/html" }, redirect: "manual" });
}

/** Whether it says that the reader may not do this any more, and why: a kicked user is told once. */
function isRefusal({ status }: Response): boolean {
  return status === 401 || status === 403;
}

/** Sends a form. @returns the answer, or `undefined` where there is none. */
function post(form: HTMLFormElement): Promise<Response | undefined> {
  const fields = [...new FormData(form)].map(([name, value]) => [name, typeof value === "string" ? value : ""]);
  // A refusal comes as a page, which takes the place of this one.
  const headers = { accept: "application/x-ndjson, text/html;q=0.9" };
  return fetch(form.action, { method: "POST", body: new URLSearchParams(fields), headers }).catch(() => undefined);
}

/** The answer comes line by line, the last one with what it came to; none if it broke off before. */
async function readLines(response: Response | undefined, show: (line: Line) => void): Promise<Line | undefined> {
  let last: Line | undefined;
  try {
    const reader = response?.body?.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) {
      const complete = (rest + part.value).split("\n");
      rest = complete.pop() ?? "";
      for (const text of complete) {
        last = JSON.parse(text) as Line;
        show(last);
      }
    }
  } catch {
    return undefined;
  }
  return last?.code === undefined ? undefined : last;
}

function parse(html: string): Document {
  return new DOMParser().parseFromString(html, "text/html");
}

function userOf(element: Element): string | undefined {
  return element.closest<HTMLElement>("tr[data-user]")?.dataset["user"];
}

function focusable(row: Element | null): HTMLElement[] {
  return row === null ? [] : [...row.querySelectorAll<HTMLElement>("a, button, input, summary")];
}

/** As the browser itself sends the form. */
function queryOf(boxes: readonly HTMLInputElement[]): string {
  return new URLSearchParams(boxes.map((box) => ["user", box.value])).toString();
}

function hiddenBox(userId: string): HTMLInputElement {
  return Object.assign(document.createElement("input"), { type: "hidden", name: "user", value: userId });
}
