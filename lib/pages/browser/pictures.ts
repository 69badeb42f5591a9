/** Shows the initials of a user whose picture cannot be loaded. */
export function showInitials(): void {
  document.addEventListener(
    "error",
    ({ target }) => {
      if (target instanceof HTMLImageElement) replace(target);
    },
    true,
  );
  for (const picture of document.querySelectorAll<HTMLImageElement>("img.avatar")) {
    if (picture.complete && picture.naturalWidth === 0) replace(picture);
  }
}

function replace(picture: HTMLImageElement): void {
  const { initials } = picture.dataset;
  if (initials === undefined) return;
  const stand = document.createElement("span");
  stand.className = picture.className;
  stand.setAttribute("aria-hidden", "true");
  stand.textContent = initials;
  picture.replaceWith(stand);
}
