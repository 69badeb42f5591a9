import { formatNumber } from "./times.js";

/** Counts the characters of a reason, and shows it as the user will see it. */
export function previewReason(form: HTMLFormElement): void {
  const counter = form.querySelector<HTMLElement>("#counter");
  const own = form.querySelector<HTMLTextAreaElement>("[name=reason]");
  const preview = form.querySelector<HTMLElement>("[data-preview]");
  if (counter === null || own === null || preview === null) return;
  const show = (): void => {
    const picked = form.querySelector<HTMLInputElement>("[name=canned]:checked");
    const canned = picked === null || picked.value === "" ? "" : (picked.parentElement?.textContent ?? "");
    const reason = [canned, own.value.trim()].filter((part) => part !== "").join("\n");
    const most = Number(counter.dataset["most"]);
    own.maxLength = Math.max(0, canned === "" ? most : most - canned.length - "\n".length);
    preview.textContent = reason;
    counter.textContent = `${formatNumber(reason.length)} / ${formatNumber(most)}`;
  };
  form.addEventListener("input", show);
  show();
}
