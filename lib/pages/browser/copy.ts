/** Copies a text at the press of its button. */
export function copyOnPress(): void {
  document.addEventListener("click", ({ target }) => {
    const button = target instanceof Element ? target.closest<HTMLElement>("[data-copy]") : null;
    // Absent on pages that are not served over HTTPS: the text can still be selected.
    if (button !== null) void (navigator.clipboard as Clipboard | undefined)?.writeText(button.dataset["copy"] ?? "");
  });
}
