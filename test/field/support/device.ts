import type { Response } from "supertest";
import { Browser } from "../../support/http.js";
import { valuesOf } from "../../support/pages.js";

/** The headers of browsers for a navigation, from the address bar or a link of the same site. */
const NAVIGATION = {
  Accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
  "Accept-Language": "en-GB",
  "Sec-Fetch-Dest": "document",
  "Sec-Fetch-Mode": "navigate",
  "Sec-Fetch-Site": "same-origin",
};

/** The headers of browsers for `fetch()` on a page of the same site. */
const CALL = {
  Accept: "application/json",
  "Sec-Fetch-Dest": "empty",
  "Sec-Fetch-Mode": "cors",
  "Sec-Fetch-Site": "same-origin",
};

const FORM = "application/x-www-form-urlencoded";

/** A header that is `undefined` is left out. */
type Headers = Readonly<Record<string, string | undefined>>;

const given = (headers: Headers): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter((header): header is [string, string] => header[1] !== undefined));

/** A browser of a user: a phone, a laptop. */
export class Device {
  readonly #browser: Browser;

  constructor(
    readonly url: string,
    browser = new Browser(url),
  ) {
    this.#browser = browser;
  }

  get cookies(): string {
    return this.#browser.cookies;
  }

  /** Another device with the same cookies, such as a second tab that sends its request later. */
  clone(): Device {
    return new Device(this.url, this.#browser.clone());
  }

  /** Loads a page. Redirects are not followed. */
  page(path: string, headers: Headers = {}): Promise<Response> {
    return this.#browser.get(path, given({ ...NAVIGATION, ...headers }));
  }

  /** Sends a form as it was loaded from `from`, with the CSRF token that is in it. */
  async formOf(from: string, path: string, fields: Readonly<Record<string, string>>): Promise<Response> {
    const { text } = await this.page(from);
    const [token] = valuesOf(text, "_csrf");
    return this.form(path, { ...fields, ...(token === undefined ? {} : { _csrf: token }) });
  }

  /** Sends a form with these fields. */
  form(path: string, fields: object | string = {}, headers: Headers = {}): Promise<Response> {
    const sent = { ...NAVIGATION, Origin: this.url, "Content-Type": FORM, ...headers };
    return this.#browser.post(path, fields as object, given(sent));
  }

  /** Reads data, as a script does. */
  data(path: string, headers: Headers = {}): Promise<Response> {
    return this.#browser.get(path, given({ ...CALL, ...headers }));
  }

  /** Sends data, as a script does. */
  send(path: string, data: object, headers: Headers = {}): Promise<Response> {
    return this.#browser.post(path, data, given({ ...CALL, Origin: this.url, ...headers }));
  }
}
