/** One line of the response while users are being forced offline. The last line has a `code`. */
export interface ProgressLine {
  readonly message: string;
  /** Whom it has not reached. */
  readonly detail?: string;
  readonly code?: number;
  readonly done?: number;
  readonly total?: number;
  readonly users?: number;
  readonly logins?: number;
  readonly seconds?: number;
  /** The users who were not reached, as the value of the form's field, and the label of the button that tries again. */
  readonly selection?: string;
  readonly again?: string;
}

/** A page that is not there by then counts as an outage. */
const PAGE_TIMEOUT_MS = 4_000;

/** Requests a page. Redirects are not followed: they may lead to another site, which the policy of this page blocks. */
export function getPage(url: string): Promise<Response> {
  const signal = AbortSignal.timeout(PAGE_TIMEOUT_MS);
  return fetch(url, { headers: { accept: "text/html" }, redirect: "manual", signal });
}

export function parsePage(html: string): Document {
  return new DOMParser().parseFromString(html, "text/html");
}

/** Returns whether the response is the page that explains why the reader has lost access. The server sends it once. */
export function isRejection({ status }: Response): boolean {
  return status === 401 || status === 403;
}

/** Sends a form. Resolves to `undefined` if there is no response, or the signal has aborted. */
export function postForm(form: HTMLFormElement, signal: AbortSignal): Promise<Response | undefined> {
  const fields = [...new FormData(form)].map(([name, value]) => [name, typeof value === "string" ? value : ""]);
  // A rejection is a page, which replaces the current one.
  const headers = { accept: "application/x-ndjson, text/html;q=0.9" };
  return fetch(form.action, { method: "POST", body: new URLSearchParams(fields), headers, signal }).catch(
    () => undefined,
  );
}

/**
 * Reads a response line by line, and shows all lines but the last one. Resolves to the last line, or to `undefined` if the response ends
 * before that line.
 */
export async function readProgress(
  response: Response | undefined,
  show: (line: ProgressLine) => void,
): Promise<ProgressLine | undefined> {
  let last: ProgressLine | undefined;
  try {
    const reader = response?.body?.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) {
      const complete = (rest + part.value).split("\n");
      rest = complete.pop() ?? "";
      for (const text of complete) {
        last = JSON.parse(text) as ProgressLine;
        if (last.code === undefined) show(last);
      }
    }
  } catch {
    return undefined;
  }
  return last?.code === undefined ? undefined : last;
}
