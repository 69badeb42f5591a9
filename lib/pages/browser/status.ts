/** Shows the result of an action above the table, or why there is none. */
export function showStatus(message: string, kind: "result" | "error"): void {
  const status = document.querySelector<HTMLElement>("[data-status]");
  if (status === null) return;
  status.toggleAttribute("data-error", kind === "error");
  status.textContent = message;
  status.focus({ preventScroll: true });
}

/** Says that the server did not do what was asked. Everything on the page stays. */
export function showFailure(): void {
  const status = document.querySelector<HTMLElement>("[data-status]");
  showStatus(status?.dataset["failed"] ?? "", "error");
}
