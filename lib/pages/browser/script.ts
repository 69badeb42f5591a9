// Adds to the pages: times in the reader's time zone, menus that close, dialogs instead of confirmation pages, and a table
// that refreshes itself. Every page also works without this script.
import { ConfirmationDialog } from "./dialog.js";
import { closeMenus } from "./menus.js";
import { TableRefresh } from "./refresh.js";
import { Selection } from "./selection.js";
import { localizeTimes } from "./times.js";

document.documentElement.classList.add("scripted");
localizeTimes(document);
closeMenus();
const table = document.querySelector<HTMLFormElement>("form[data-table]");
if (table !== null) manageTable(table);

function manageTable(form: HTMLFormElement): void {
  const selection = new Selection(form);
  const refresh: TableRefresh = new TableRefresh(form, selection, () => dialog.isActive);
  const dialog = new ConfirmationDialog(selection, refresh);

  form.addEventListener("change", ({ target }) => {
    if (target instanceof HTMLSelectElement) form.requestSubmit();
    else if (target instanceof HTMLInputElement && target.type === "checkbox") selection.change(target);
  });
  form.addEventListener("click", (event) => {
    const opener = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-dialog]") : null;
    if (opener === null || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    void dialog.open(opener);
  });
}
