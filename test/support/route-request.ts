import type { Request } from "express";
import { Audit } from "../../lib/audit/audit.js";
import { formatFor, namesJson } from "../../lib/http/accept.js";
import type { HandlerContext } from "../../lib/http/context.js";
import { fieldsIn, type Fields } from "../../lib/http/fields.js";
import { requestKind } from "../../lib/http/request-kind.js";
import type { Addresses, RouteRequest } from "../../lib/http/route-request.js";
import { Events } from "../../lib/logins/events.js";
import { Logins } from "../../lib/logins/logins.js";
import { resolveOptions, type LogoutOptions } from "../../lib/options.js";
import { createAssets } from "../../lib/pages/assets.js";
import { LOCALES, type Locale } from "../../lib/pages/texts/index.js";
import { RawStore } from "../../lib/session/store/raw-store.js";
import { Tombstones } from "../../lib/session/store/tombstones.js";
import type { Login } from "../../lib/types/login.js";
import { MemoryStore } from "express-session";

type Values = Readonly<Record<string, string | readonly string[]>>;

/** A request as a test describes it. */
export interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Values;
  readonly form?: Values;
  readonly json?: unknown;
  readonly text?: string;
  readonly login?: Login | undefined;
  /** How long ago the user has authenticated, in milliseconds. Default: unknown. */
  readonly authenticatedMsAgo?: number;
  readonly locale?: Locale;
  /** As `pages.html` has it. */
  readonly isHtml?: boolean;
  readonly addresses?: Partial<Addresses>;
}

/** A handler's request without Express. `calls` are the steps that handlers have taken on it. */
export function routeRequest({
  method = "GET",
  path = "/",
  headers = { accept: "text/html" },
  params = {},
  query = {},
  form = {},
  json,
  text = "",
  login,
  authenticatedMsAgo = Infinity,
  locale = "en",
  isHtml = true,
  addresses = {},
}: Asked): RouteRequest & { readonly calls: readonly string[] } {
  const calls: string[] = [];
  const step = <Value>(name: string, value: Value): Promise<Value> => {
    calls.push(name);
    return Promise.resolve(value);
  };
  return {
    method,
    kind: requestKind({ method, url: path, headers }),
    params,
    query: fieldsOf(query),
    texts: LOCALES[locale],
    addresses: { path, search: "", mount: "", home: "/", login: "/login", ...addresses },
    original: { method, url: path, headers } as unknown as Request,
    acceptsPage: isHtml && formatFor(headers["accept"]) === "html",
    namesJson: namesJson(headers["accept"]),
    wantsData: namesJson(headers["accept"]) || !isHtml,
    header: (name) => headers[name.toLowerCase()],
    accepts: (types) => types.find((type) => headers["accept"]?.includes(type)) ?? types[0] ?? false,
    isOwnOrigin: (url) => url === "https://shop.example",
    json: () => step("json", json),
    form: () => step("form", fieldsOf(form)),
    optionalForm: () => step("form", fieldsOf(form)),
    smallForm: () => step("form", fieldsOf(form)),
    smallText: () => step("text", text),
    isFresh: (maxAgeMs) => authenticatedMsAgo <= maxAgeMs,
    isSecure: false,
    endSessionUrl: () => undefined,
    currentLogin: () => step("currentLogin", login),
    logout: () => step("logout", undefined),
    calls,
  };
}

function fieldsOf(values: Values): Fields {
  return fieldsIn(values);
}

/** What handlers work with: real logins in memory. */
export function handlerContext(options: Partial<LogoutOptions> = {}): HandlerContext & {
  readonly logins: Logins;
  readonly begin: (userId: string, sid: string) => Promise<Login>;
} {
  const store = new MemoryStore();
  const resolved = resolveOptions({ store, appId: "shop", ...options });
  const { registry } = resolved;
  registry.init({ appId: "shop", maxSessionAgeMs: 60_000 });
  const tombstones = new Tombstones(store, new RawStore(store, 1_000, true), 1_000);
  const audit = new Audit({ appId: "shop", log: resolved.audit.log });
  const logins = new Logins({ registry, tombstones, events: new Events(), audit, hasKeys: false });
  let count = 0;
  return {
    options: resolved,
    logins,
    audit,
    assets: createAssets("#123456"),
    begin: async (userId, sid) => {
      const id = `login-${String(count++)}`.padEnd(22, "0");
      await registry.add({ id, userId, sid, ttlMs: 60_000 });
      const login = await logins.find(userId, id);
      if (login === undefined) throw new Error("The login is not listed.");
      return login;
    },
  };
}
