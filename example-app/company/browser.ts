/** A browser: cookies, redirects and forms. It names the servers by what they are. */
export class Browser {
  readonly #servers: ReadonlyMap<string, string>;
  /** By host and name: as in browsers, all ports of a host share them. */
  readonly #cookies = new Map<string, Map<string, string>>();
  #page = { url: "", html: "" };

  /** @param servers - Names by origin, for the transcript. */
  constructor(servers: Readonly<Record<string, string>>) {
    this.#servers = new Map(Object.entries(servers));
  }

  /** Sends one request. */
  async send(url: string, form?: Readonly<Record<string, string>>): Promise<Response> {
    const response = await fetch(url, {
      redirect: "manual",
      headers: { cookie: this.cookies(url) },
      ...(form === undefined ? {} : { method: "POST", body: new URLSearchParams(form) }),
    });
    for (const cookie of response.headers.getSetCookie()) keep(this.#cookiesOf(url), cookie);
    return response;
  }

  /** Returns the header `Cookie` for an address. */
  cookies(url: string): string {
    return [...this.#cookiesOf(url)].map((pair) => pair.join("=")).join("; ");
  }

  /** Opens a page, and follows redirects. Returns the way there, without the random parts of its addresses. */
  async open(url: string, form?: Readonly<Record<string, string>>): Promise<string> {
    const way = [this.#nameOf(url)];
    let response = await this.send(url, form);
    for (let to = response.headers.get("location"); to !== null; to = response.headers.get("location")) {
      url = new URL(to, url).href;
      way.push(this.#nameOf(url));
      response = await this.send(url);
    }
    this.#page = { url, html: await response.text() };
    return `${way.join(", ")}: ${String(response.status)}`;
  }

  /** Sends the form of the page. */
  submit(fields: Readonly<Record<string, string>>): Promise<string> {
    const { url, html } = this.#page;
    const action = /<form[^>]* action="([^"]*)"/.exec(html)?.[1] ?? "";
    const hidden = html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g);
    const given = Object.fromEntries([...hidden].map(([, name = "", value = ""]) => [name, value]));
    return this.open(new URL(action, url).href, { ...given, ...fields });
  }

  #cookiesOf(url: string): Map<string, string> {
    const { hostname } = new URL(url);
    const cookies = this.#cookies.get(hostname) ?? new Map<string, string>();
    this.#cookies.set(hostname, cookies);
    return cookies;
  }

  #nameOf(url: string): string {
    const { origin, pathname } = new URL(url);
    return `${this.#servers.get(origin) ?? origin} ${pathname.replace(/[\w-]{21,}$/, "…")}`;
  }
}

function keep(cookies: Map<string, string>, cookie: string): void {
  const [, name = "", value = ""] = /^([^=]*)=([^;]*)/.exec(cookie) ?? [];
  const [, expires] = /; expires=([^;]*)/i.exec(cookie) ?? [];
  const isGone = /; max-age=0/i.test(cookie) || (expires !== undefined && Date.parse(expires) <= Date.now());
  if (isGone) cookies.delete(name);
  else cookies.set(name, value);
}
