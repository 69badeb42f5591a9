/** Closes open menus on Escape, on a click outside of them, and once the focus has left them. */
export function closeMenus(): void {
  const open = () => document.querySelectorAll<HTMLDetailsElement>("details[data-menu][open]");
  const closeWithout = (target: EventTarget | null): void => {
    for (const menu of open()) if (!menu.contains(target as Node)) menu.open = false;
  };
  document.addEventListener("click", ({ target }) => {
    closeWithout(target);
  });
  document.addEventListener("focusin", ({ target }) => {
    closeWithout(target);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of open()) {
      // The key has done its work.
      event.preventDefault();
      menu.open = false;
      menu.querySelector("summary")?.focus();
    }
  });
}
