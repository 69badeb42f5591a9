import type { Selection } from "./selection.js";

/** `/` goes to the search; Escape clears the selection. */
export function useShortcuts(form: HTMLFormElement, selection: Selection, isPaused: () => boolean): void {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isPaused()) return;
    const isTyping =
      event.target instanceof HTMLElement && event.target.matches("input:not([type=checkbox]), textarea, select");
    if (event.key === "/" && !isTyping) {
      event.preventDefault();
      form.querySelector<HTMLElement>("input[type=search]")?.focus();
    } else if (event.key === "Escape" && !isTyping) selection.clear();
  });
}
