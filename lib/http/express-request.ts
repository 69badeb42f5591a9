import type { Request, Response } from "express";
import type { SessionData } from "express-session";
import type { Texts } from "../pages/texts/index.js";
import type { Login } from "../types/login.js";
import { formatFor, namesJson } from "./accept.js";
import { homeUrl, loginUrl, mountPath, outerPath } from "./addresses.js";
import { readForm, readJson, readOptionalForm, readSmallForm, readSmallText } from "./body.js";
import { currentLogin, type HttpContext } from "./context.js";
import { queryOf, type Fields } from "./fields.js";
import { isLanguageTag, localeFor } from "./languages.js";
import { isOwnOrigin } from "./origin.js";
import { requestKind, type RequestKind } from "./request-kind.js";
import type { Addresses, RouteRequest } from "./route-request.js";
import { debugError } from "../util/debug.js";

/** How many languages an identity provider is asked for. */
const MAX_LANGUAGES = 5;

/** A request of Express as handlers see it. What a handler does not look at is not computed. */
export class ExpressRequest implements RouteRequest {
  readonly original: Request;
  readonly addresses: Addresses;
  readonly #context: HttpContext;
  readonly #res: Response;
  #texts: Texts | undefined;

  constructor(context: HttpContext, req: Request, res: Response) {
    this.original = req;
    this.addresses = new OuterAddresses(context, req);
    this.#context = context;
    this.#res = res;
  }

  get method(): string {
    return this.original.method;
  }

  get kind(): RequestKind {
    return requestKind(this.original);
  }

  get params(): Readonly<Record<string, string>> {
    return this.original.params as Readonly<Record<string, string>>;
  }

  get query(): Fields {
    return queryOf(this.original);
  }

  /** In the language that the app has set, or that the browser prefers. */
  get texts(): Texts {
    const { locale, texts } = this.#context.options.pages;
    return (this.#texts ??= texts[locale ?? localeFor(this.original.acceptsLanguages())]);
  }

  get acceptsPage(): boolean {
    return this.#context.options.pages.html && formatFor(this.header("Accept")) === "html";
  }

  get namesJson(): boolean {
    return namesJson(this.header("Accept"));
  }

  get wantsData(): boolean {
    return this.namesJson || !this.#context.options.pages.html;
  }

  get isSecure(): boolean {
    return this.original.secure;
  }

  header(name: string): string | undefined {
    return this.original.get(name);
  }

  accepts(types: string[]): string | false {
    return this.original.accepts(types);
  }

  isOwnOrigin(url: string): boolean {
    return isOwnOrigin(this.original, url);
  }

  json(): Promise<unknown> {
    return readJson(this.original, this.#res);
  }

  form(): Promise<Fields> {
    return readForm(this.original, this.#res);
  }

  optionalForm(): Promise<Fields> {
    return readOptionalForm(this.original, this.#res);
  }

  smallForm(): Promise<Fields> {
    return readSmallForm(this.original, this.#res);
  }

  smallText(type: string): Promise<string> {
    return readSmallText(this.original, type);
  }

  isFresh(maxAgeMs: number): boolean {
    return this.#context.sessions.isFresh(this.original, maxAgeMs);
  }

  currentLogin(): Promise<Login | undefined> {
    return currentLogin(this.#context, this.original);
  }

  endSessionUrl(state: string): string | undefined {
    const session = this.original.session as SessionData | undefined;
    if (session === undefined) return undefined;
    const uiLocales = this.original.acceptsLanguages().filter(isLanguageTag).slice(0, MAX_LANGUAGES);
    try {
      for (const { endSession } of this.#context.options.providers) {
        const url = endSession?.(session, { state, uiLocales });
        if (url !== undefined) return url;
      }
    } catch (error) {
      // The login here must end, whether the provider can be reached or not.
      debugError("a logout does not reach the identity provider", error);
    }
    return undefined;
  }

  logout(): Promise<void> {
    return this.#context.sessions.logout(this.original, this.#res);
  }
}

class OuterAddresses implements Addresses {
  readonly #context: HttpContext;
  readonly #req: Request;

  constructor(context: HttpContext, req: Request) {
    this.#context = context;
    this.#req = req;
  }

  get path(): string {
    return outerPath(this.#context, this.#req);
  }

  get search(): string {
    return /\?.*$/s.exec(this.#req.originalUrl)?.[0] ?? "";
  }

  get mount(): string {
    return mountPath(this.#context, this.#req);
  }

  get home(): string {
    return homeUrl(this.#context, this.#req);
  }

  get login(): string | false {
    return loginUrl(this.#context, this.#req);
  }
}
