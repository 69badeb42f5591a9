// Adds to the pages: times in the reader's time zone, menus that close, dialogs instead of confirmation pages, and a table
// that refreshes itself. Every page also works without this script.
import { copyOnPress } from "./copy.js";
import { ConfirmationDialog } from "./dialog.js";
import { closeMenus } from "./menus.js";
import { replacePage, reloadPart } from "./page.js";
import { showInitials } from "./pictures.js";
import { previewReason } from "./reason.js";
import { TableRefresh } from "./refresh.js";
import { toggleLogins, userIdOf } from "./rows.js";
import { Selection } from "./selection.js";
import { useShortcuts } from "./shortcuts.js";
import { localizeTimes, ownZone } from "./times.js";

document.documentElement.classList.add("scripted");
localizeTimes(document);
closeMenus();
showInitials();
copyOnPress();
const confirmation = document.querySelector<HTMLFormElement>("form[data-confirmation]");
if (confirmation !== null) previewReason(confirmation);
const table = document.querySelector<HTMLFormElement>("form[data-table]");
if (table !== null) manageTable(table);
const USER_PAGE = "[data-user-page]";
const userPage = document.querySelector<HTMLElement>(USER_PAGE);
if (userPage !== null) {
  const done = () => reloadPart(userPage, USER_PAGE);
  openDialogs(userPage, new ConfirmationDialog({ query: () => "", done, rejected: replacePage }));
}

function manageTable(form: HTMLFormElement): void {
  const selection = new Selection(form);
  const refresh: TableRefresh = new TableRefresh(form, selection, () => dialog.isActive);
  const dialog = new ConfirmationDialog({
    query: () => selection.query,
    done: (opener) => {
      const row = opener.closest<HTMLTableRowElement>("tr[data-user]");
      // A row's own button has nothing to do with the selection.
      if (row === null && opener.closest("tr") === null) selection.clear();
      else if (row !== null) selection.remove(userIdOf(row));
      return refresh.run();
    },
    rejected: (page) => {
      refresh.replacePage(page);
    },
  });
  let hasShift = false;
  ownZone(form);
  useShortcuts(form, selection, () => dialog.isActive);
  form.addEventListener("change", ({ target }) => {
    if (target instanceof HTMLSelectElement) form.requestSubmit();
    else if (target instanceof HTMLInputElement && target.type === "checkbox") selection.change(target, hasShift);
  });
  form.addEventListener("click", (event) => {
    hasShift = event.shiftKey;
    const pill = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-pill]") : null;
    if (pill === null) return;
    event.preventDefault();
    toggleLogins(pill);
  });
  openDialogs(form, dialog);
}

function openDialogs(within: HTMLElement, dialog: ConfirmationDialog): void {
  within.addEventListener("click", (event) => {
    const opener = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-dialog]") : null;
    if (opener === null || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    void dialog.open(opener);
  });
}
