import type { IncomingHttpHeaders } from "node:http";

/**
 * What a request is, by who sees its answer:
 *
 * - `navigation`: a person goes to a page, in a tab or in a frame of the same origin;
 * - `embedded`: an object, or a frame of another site or of an unknown one: no page of this package is shown there;
 * - `speculative`: a prefetch or a prerender: perhaps never seen;
 * - `subresource`: a script, style, image, font or media file of a page;
 * - `call`: a script reads the answer;
 * - `unread`: an event stream, a beacon, a ping, a report, an opaque fetch, an upgrade, data for a router that discards errors:
 *   no person and no script reads the body;
 * - `program`: no browser, such as curl or a back end.
 */
export type RequestKind = "navigation" | "embedded" | "speculative" | "subresource" | "call" | "unread" | "program";

/** The part of a request that its kind depends on. A request of `node:http` has it too. */
export interface RequestHead {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/**
 * Returns what a request is. Fetch Metadata decides where the browser sends it: not on plain HTTP, and not before Safari 16.4.
 * Elsewhere `Accept` and the other headers do.
 *
 * Source: W3C Fetch Metadata Request Headers; Fetch Standard, request destinations and modes.
 */
export function requestKind(request: RequestHead): RequestKind {
  const header = (name: string): string | undefined => headerOf(request, name);
  if (isSpeculative(header)) return "speculative";
  if (isUnread(header) || isRouterData(request, header)) return "unread";
  // The fetch of Node sends Sec-Fetch-Mode alone.
  const hasFetchMetadata = (header("sec-fetch-dest") ?? header("sec-fetch-site")) !== undefined;
  return hasFetchMetadata ? byFetchMetadata(request, header) : byAccept(request, header);
}

/** Returns whether a request reads only: `GET` or `HEAD`. */
export function isRead({ method }: Pick<RequestHead, "method">): boolean {
  return method === "GET" || method === "HEAD";
}

type Header = (name: string) => string | undefined;

function headerOf({ headers }: RequestHead, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}

/**
 * Headers that name a purpose: the standard's, Turbo's, those of older Chrome, Safari and Firefox, and of proxies and frameworks
 * that copy them.
 */
const PURPOSES = ["sec-purpose", "purpose", "x-sec-purpose", "x-purpose", "sec-fetch-purpose", "moz-purpose", "x-moz"];
/** Headers that are there only on a prefetch: Next.js (app router, segments, pages router) and htmx. */
const PREFETCH_FLAGS = [
  "next-router-prefetch",
  "next-router-segment-prefetch",
  "x-middleware-prefetch",
  "hx-preloaded",
];

function isSpeculative(header: Header): boolean {
  return (
    PURPOSES.some((name) => /\b(?:prefetch|prerender|preview)\b/i.test(header(name) ?? "")) ||
    PREFETCH_FLAGS.some((name) => !/^(?:|0|false)$/i.test(header(name)?.trim() ?? ""))
  );
}

function isUnread(header: Header): boolean {
  const type = header("content-type") ?? "";
  return (
    /^\s*text\/event-stream\b/i.test(header("accept") ?? "") ||
    isUpgrade(header("upgrade")) ||
    header("ping-to") !== undefined ||
    /^\s*(?:text\/ping|application\/csp-report|application\/reports\+json)\b/i.test(type)
  );
}

/**
 * Headers of data that a router in the browser fetches for a page. After an error the router discards the response: Next.js
 * navigates to the page instead, and Turbo leaves its frame without content.
 *
 * SvelteKit, Remix and React Router are not here: they show an error page of the app, and do not load the page.
 *
 * Source: Next.js, `app-router-headers.ts`, `fetch-server-response.ts` (`doMpaNavigation`) and, for the pages router, `router.ts`
 * (`fetchNextData`, `handleHardNavigation`); Turbo 7.3, hotwired/turbo#863.
 */
const ROUTER_DATA = ["rsc", "x-nextjs-data", "turbo-frame"];
/** Data of the pages router before `x-nextjs-data` (Next.js 12.2), and of Nuxt, which goes on without (`payload.ts`). */
const ROUTER_DATA_PATH = /^[^?#]*\/(?:_next\/data\/[^?#]+|_payload(?:\.[\w-]+)?)\.json(?:[?#]|$)/;

function isRouterData({ url }: RequestHead, header: Header): boolean {
  return ROUTER_DATA.some((name) => header(name) !== undefined) || ROUTER_DATA_PATH.test(url ?? "");
}

/** Clients of HTTP/2 offer `h2c` with ordinary requests. */
function isUpgrade(upgrade: string | undefined): boolean {
  return upgrade !== undefined && !/^\s*h2c\b/i.test(upgrade);
}

const FRAMES = ["iframe", "frame"];
const EMBEDDED = [...FRAMES, "fencedframe", "object", "embed"];
const SUBRESOURCES = new Set([
  ...["audio", "audioworklet", "font", "image", "json", "manifest", "paintworklet", "script", "serviceworker"],
  ...["sharedworker", "speculationrules", "style", "text", "track", "video", "worker", "xslt"],
]);
const UNREAD_DESTINATIONS = ["report", "websocket", "webtransport"];

function byFetchMetadata(request: RequestHead, header: Header): RequestKind {
  const [destination, mode, site] = ["dest", "mode", "site"].map((name) => header(`sec-fetch-${name}`));
  if (destination === "document") return "navigation";
  if (destination !== undefined && EMBEDDED.includes(destination)) {
    return FRAMES.includes(destination) && site === "same-origin" ? "navigation" : "embedded";
  }
  if (destination !== undefined && SUBRESOURCES.has(destination)) return "subresource";
  if (mode === "navigate") {
    // A service worker that hands a navigation on sends no destination, and its own site. Before Chrome 80 there was none at all.
    const isChosen = destination === undefined || site === "same-origin" || site === "none";
    return isChosen ? "navigation" : "embedded";
  }
  if (mode === "nested-navigate") return site === "same-origin" ? "navigation" : "embedded";
  if (isPart(request, header)) return "subresource";
  const isUnreadMode = mode === "no-cors" || mode === "websocket" || mode === "webtransport";
  return isUnreadMode || (destination !== undefined && UNREAD_DESTINATIONS.includes(destination)) ? "unread" : "call";
}

/** Types that browsers ask for first where they load a part of a page. */
const PART =
  /^\s*(?:image\/|audio\/|video\/|font\/|text\/css\b|(?:application|text)\/(?:font|x-font|javascript|manifest))/i;
/** Files of pages. On plain HTTP, and through a service worker, browsers ask for scripts and fonts as they ask for data. */
const FILE = /^[^?#]*\.(?:m?js|css|woff2?|ttf|otf|wasm)(?:[?#]|$)/i;

function isPart(request: RequestHead, header: Header): boolean {
  return isRead(request) && (PART.test(header("accept") ?? "") || FILE.test(request.url ?? ""));
}

function byAccept(request: RequestHead, header: Header): RequestKind {
  const accept = header("accept");
  const isBrowser = (header("user-agent") ?? "").startsWith("Mozilla/");
  if (isBrowser && header("x-requested-with") === "XMLHttpRequest") return "call";
  if (/\b(?:text\/html|application\/xhtml\+xml)\b/i.test(accept ?? "")) return "navigation";
  if (PART.test(accept ?? "")) return "subresource";
  if (accept === undefined || !isBrowser) return "program";
  return isPart(request, header) ? "subresource" : "call";
}
