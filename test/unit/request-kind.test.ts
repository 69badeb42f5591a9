import { describe, expect, it } from "@jest/globals";
import { requestKind, type RequestHead, type RequestKind } from "../../lib/http/request-kind.js";

const CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
const HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const IMAGE = "image/avif,image/webp,*/*;q=0.8";
type Headers = Readonly<Record<string, string>>;

/** The headers of a browser with Fetch Metadata. */
const by = (dest: string, mode?: string, site?: string, more: Headers = {}): Headers => ({
  "user-agent": CHROME,
  "sec-fetch-dest": dest,
  ...(mode === undefined ? {} : { "sec-fetch-mode": mode }),
  ...(site === undefined ? {} : { "sec-fetch-site": site }),
  ...more,
});
/** The headers of a browser without Fetch Metadata. */
const old = (accept: string, more: Headers = {}): Headers => ({ "user-agent": CHROME, accept, ...more });
const page = (more: Headers): Headers => by("document", "navigate", "same-origin", { accept: HTML, ...more });

const TABLE: Readonly<
  Record<RequestKind, Readonly<Record<string, Headers | [method: string, headers: Headers, url?: string]>>>
> = {
  navigation: {
    "a link": by("document", "navigate", "same-origin"),
    "a link on another site": by("document", "navigate", "cross-site"),
    "the address bar": by("document", "navigate", "none"),
    "a form": ["POST", by("document", "navigate", "same-origin")],
    "a browser that sends no mode": by("document"),
    "a browser that sends no destination": { "sec-fetch-mode": "navigate", "sec-fetch-site": "cross-site" },
    "a service worker that hands a link on": by("empty", "navigate", "same-origin"),
    "a service worker that hands the address bar on": by("empty", "navigate", "none"),
    "a frame of the same origin": by("iframe", "navigate", "same-origin"),
    "a frame of the same origin in a frameset": by("frame", "navigate", "same-origin"),
    "a frame of the same origin, before there were destinations": {
      "sec-fetch-mode": "nested-navigate",
      "sec-fetch-site": "same-origin",
    },
    "a link, on plain HTTP": old(HTML),
    "a link in an app's web view": old(HTML, { "x-requested-with": "com.example.app" }),
    "an upgrade of insecure requests": old(HTML, { "upgrade-insecure-requests": "1" }),
  },
  embedded: {
    "a frame of another site": by("iframe", "navigate", "cross-site"),
    "a frame of a sibling": by("iframe", "navigate", "same-site"),
    "a frame of an unknown site": by("iframe", "navigate"),
    "a frame, before there were destinations": { "sec-fetch-mode": "nested-navigate", "sec-fetch-site": "cross-site" },
    "an object": by("object", "no-cors", "same-origin"),
    "an embed": by("embed", "navigate", "cross-site"),
    "a fenced frame": by("fencedframe", "navigate", "same-origin"),
    "no destination, for another site": by("empty", "navigate", "cross-site"),
  },
  speculative: {
    "a prefetch": page({ "sec-purpose": "prefetch" }),
    "a prerender": page({ "sec-purpose": "prefetch;prerender" }),
    "a prefetch by a proxy": page({ "sec-purpose": "prefetch;anonymous-client-ip" }),
    "a prefetch of Chrome's links": page({ purpose: "prefetch" }),
    "a prefetch of Turbo": by("empty", "cors", "same-origin", { accept: HTML, "x-sec-purpose": "prefetch" }),
    "a preview of Safari": old(HTML, { "x-purpose": "preview" }),
    "a prefetch of Safari": old(HTML, { "x-purpose": "prefetch" }),
    "a prefetch of Firefox": old(HTML, { "x-moz": "prefetch" }),
    "a prefetch of an old Firefox": old(HTML, { "moz-purpose": "prefetch" }),
    "a prefetch of Next": by("empty", "cors", "same-origin", { rsc: "1", "next-router-prefetch": "1" }),
    "a prefetch of Next, by segments": by("empty", "cors", "same-origin", { "next-router-segment-prefetch": "/_tree" }),
    "a prefetch of Next's pages": by("empty", "cors", "same-origin", { "x-middleware-prefetch": "1" }),
    "a prefetch of htmx": by("empty", "cors", "same-origin", { "hx-preloaded": "true" }),
    "a prefetch in capitals": page({ purpose: "Prefetch" }),
  },
  subresource: {
    ...Object.fromEntries(
      [
        "script",
        "style",
        "image",
        "font",
        "audio",
        "video",
        "track",
        "manifest",
        "worker",
        "sharedworker",
        "serviceworker",
      ]
        .concat(["xslt", "audioworklet", "paintworklet", "json", "text", "speculationrules"])
        .map((dest) => [`a ${dest}`, by(dest, "no-cors", "same-origin", { accept: "*/*" })]),
    ),
    "an image of another site": by("image", "no-cors", "cross-site"),
    "an image, through a service worker": by("empty", "no-cors", "same-origin", { accept: IMAGE }),
    "a script, through a service worker": [
      "GET",
      by("empty", "no-cors", "same-origin", { accept: "*/*" }),
      "/app.js?v=1",
    ],
    "an image, on plain HTTP": old(IMAGE),
    "a style, on plain HTTP": old("text/css,*/*;q=0.1"),
    "a font, on plain HTTP": old("application/font-woff2;q=1.0,application/font-woff;q=0.9,*/*;q=0.8"),
    "a video, on plain HTTP": old("video/webm,video/ogg,*/*;q=0.5"),
    "a script, on plain HTTP": ["GET", old("*/*"), "/_next/static/chunk.js"],
    "a module, on plain HTTP": ["HEAD", old("*/*"), "/app.mjs"],
    "an image that no browser asks for": { accept: "image/png" },
  },
  call: {
    "a fetch of the same origin": by("empty", "cors", "same-origin", { accept: "*/*" }),
    "a fetch that sends": ["POST", by("empty", "same-origin", "same-origin", { "content-type": "application/json" })],
    "a fetch without a mode": by("empty"),
    "an unknown destination": by("webidentity", "cors", "cross-site"),
    "an empty destination": by(""),
    "two destinations": by("document, image"),
    "a fetch of a page": by("empty", "same-origin", "same-origin", { accept: "text/html" }),
    "a fetch that reads JSON or a stream": [
      "POST",
      by("empty", "cors", "same-origin", { accept: "application/json, text/event-stream" }),
    ],
    "an action of Next, whose error the app's code gets": [
      "POST",
      by("empty", "cors", "same-origin", { accept: "text/x-component", "next-action": "4f" }),
      "/orders",
    ],
    "a fetch for a file of data": [
      "GET",
      by("empty", "cors", "same-origin", { accept: "*/*" }),
      "/api/_next/data.json",
    ],
    "a fetch, on plain HTTP": ["GET", old("*/*"), "/api/me"],
    "a fetch for JSON, on plain HTTP": old("application/json, text/plain, */*"),
    "a form that looks like a file, on plain HTTP": ["POST", old("*/*"), "/app.js"],
    "jQuery, which loads a part of a page": old("text/html, */*; q=0.01", { "x-requested-with": "XMLHttpRequest" }),
  },
  unread: {
    "an EventSource": by("empty", "cors", "same-origin", { accept: "text/event-stream" }),
    "an EventSource, on plain HTTP": old("text/event-stream"),
    "a beacon": ["POST", by("empty", "no-cors", "same-origin", { accept: "*/*", "content-type": "text/plain" })],
    "an opaque fetch": by("empty", "no-cors", "cross-site", { accept: "*/*" }),
    "a ping of a link": ["POST", old("*/*", { "content-type": "text/ping", "ping-to": "https://shop.example/" })],
    "a report": ["POST", by("report", "no-cors", "same-origin", { "content-type": "application/reports+json" })],
    "a report of the policy": ["POST", old("*/*", { "content-type": "application/csp-report" })],
    "data of Next's app router": [
      "GET",
      by("empty", "cors", "same-origin", { accept: "*/*", rsc: "1" }),
      "/orders?_rsc=1x2y3",
    ],
    "data of Next's app router, on plain HTTP": ["GET", old("*/*", { rsc: "1" }), "/orders?_rsc=1x2y3"],
    "data of Next's pages router": by("empty", "cors", "same-origin", { accept: "*/*", "x-nextjs-data": "1" }),
    "data of Next's pages router before 12.2": [
      "GET",
      by("empty", "cors", "same-origin", { accept: "*/*" }),
      "/docs/_next/data/b1/en/orders.json?page=2",
    ],
    "data of Nuxt": ["GET", by("empty", "cors", "same-origin", { accept: "*/*" }), "/orders/_payload.json?b1"],
    "a frame of Turbo": by("empty", "cors", "same-origin", { accept: HTML, "turbo-frame": "cart" }),
    "a frame of Turbo, on plain HTTP": old(HTML, { "turbo-frame": "cart" }),
    "a WebSocket": by("websocket", "websocket", "same-origin"),
    "a WebSocket, without an upgrade": by("empty", "websocket", "same-origin"),
    "a WebSocket, on plain HTTP": { connection: "Upgrade", upgrade: "websocket" },
  },
  program: {
    curl: { accept: "*/*", "user-agent": "curl/8.5.0" },
    "a back end": { accept: "application/json" },
    "the fetch of Node": { accept: "*/*", "user-agent": "node", "sec-fetch-mode": "cors" },
    "no header at all": {},
    "a back end that offers HTTP/2": { accept: "*/*", connection: "Upgrade, HTTP2-Settings", upgrade: "h2c" },
    "a browser's name without Accept": { "user-agent": CHROME },
  },
};

describe("the kind of a request", () => {
  const rows = Object.entries(TABLE).flatMap(([kind, requests]) =>
    Object.entries(requests).map(([name, given]) => {
      const [method, headers, url] = Array.isArray(given) ? given : ["GET", given];
      return { kind, name, request: { method, headers, url: url ?? "/" } satisfies RequestHead };
    }),
  );

  it.each(rows)("is $kind: $name", ({ kind, request }) => {
    expect(requestKind(request)).toBe(kind);
  });

  it("is not changed by a purpose that is none, nor by a prefetch that is off", () => {
    for (const more of [{ purpose: "x" }, { "x-moz": "early hint" }, { "x-middleware-prefetch": "0" }] as Headers[]) {
      expect(requestKind({ method: "GET", headers: page(more) })).toBe("navigation");
    }
  });
});
