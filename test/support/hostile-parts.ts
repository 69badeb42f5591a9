import { TRICKS } from "./open-redirects.js";
import type { Random } from "./random.js";

type Header = readonly [name: string, value: string];

export const JSON_TYPE = "application/json";
export const FORM = "application/x-www-form-urlencoded";

/** Every route of the package, as it is below its mount path. */
export const routesOf = (appId: string): readonly (readonly [method: string, path: string])[] => [
  ["GET", "/login/profile/logout"],
  ["POST", "/login/profile/logout"],
  ["POST", `/api/applications/${appId}/kick-active-users`],
  ["POST", `/api/applications/${appId}/kick-active-users`],
  ["POST", `/api/v2/applications/${appId}/kick-active-users`],
  ["POST", "/api/applications/other/kick-active-users"],
  ["GET", `/api/applications/${appId}/active-users`],
  ["GET", `/api/v2/applications/${appId}/active-users`],
  ["GET", "/u"],
  ["POST", "/u/logout"],
  ["GET", "/u/logged-out"],
  ["POST", "/u/end-login"],
  ["POST", "/u/end-others"],
  ["GET", `/console/applications/${appId}/login-management`],
  ["GET", `/console/applications/${appId}/login-management/force-offline`],
  ["POST", `/console/applications/${appId}/login-management/force-offline`],
  ["POST", `/console/applications/${appId}/login-management/force-offline`],
];

/** Texts that code likes to take for something else. */
const TEXTS = [
  ...["", " ", "0", "-1", "1", "2", "50", "51", "1e9", "9".repeat(30), "NaN", "null", "undefined", "true", "[]", "{}"],
  ...["__proto__", "constructor", "toString", "..", "../../etc/passwd", "*", "%", "%00", "%ff", "%u0041", "\\"],
  ...["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'; DROP TABLE users --", "${7*7}", "{{7*7}}"],
  ...["%0d%0aSet-Cookie:%20a=b", "%0d%0a%0d%0a<html>", "%E2%80%A8", "%F0%9F%98%80", "\xe9", "x".repeat(2_000)],
];

/** The user whom a request tries to force offline, and its text for everyone. */
interface Aim {
  readonly victim: string;
  readonly everyone: string;
}

/** Parts of a query or of a form, under names that the routes know and under some that are nearly these. */
export const QUERIES: readonly ((random: Random, aim: Aim) => string)[] = [
  (random) => `redirect_uri=${random.of(TRICKS)}`,
  (random) => `redirect_uri=${random.of(TRICKS)}`,
  (random) => `redirect_uri[]=${random.of(TRICKS)}`,
  (random) => `redirect_uri[href]=${random.of(TRICKS)}`,
  (random) => `${random.of(["returnTo", "next", "url", "loginUrl", "baseUrl"])}=${random.of(TRICKS)}`,
  () => "redirect_uri=https://shop.example/bye",
  (_random, { victim }) => `user=${victim}`,
  (_random, { victim }) => `user=${victim}&user=${victim}&userIds=${victim}`,
  (_random, { victim }) => `user[]=${victim}&user[0]=${victim}`,
  (random) => `user=${random.of(TEXTS)}`,
  (random) => `login=${random.of(TEXTS)}`,
  (random) => `loginId=${random.of(TEXTS)}`,
  (random) => `reason=${random.of(TEXTS)}`,
  (random, { everyone }) => `everyone=${random.of([random.of(TEXTS), everyone])}`,
  (random) => `q=${random.of(TEXTS)}`,
  (random) => `page=${random.of(TEXTS)}&limit=${random.of(TEXTS)}`,
  (random) => `${random.of(["users", "logins", "nobody", "ended"])}=${random.of(TEXTS)}`,
  (random) => `__proto__[${random.of(["redirect_uri", "userId", "page"])}]=${random.of(TEXTS)}`,
  (random) => `constructor.prototype.userId=${random.of(TEXTS)}`,
  (random) => `${random.of(TEXTS)}=${random.of(TEXTS)}`,
  () => "a=b&".repeat(1_200),
  () => `a${"[b]".repeat(200)}=c`,
];

const deep = (open: string, close: string): string => open.repeat(5_000) + close.repeat(5_000);

/** Bodies that are nearly valid for the admin API. */
export const BODIES: readonly ((random: Random, victim: string) => string)[] = [
  (_random, victim) => JSON.stringify({ userIds: [victim] }),
  (_random, victim) => JSON.stringify({ userIds: victim }),
  (_random, victim) => JSON.stringify({ userIds: { 0: victim, length: 1 } }),
  (_random, victim) => JSON.stringify([{ userIds: [victim] }]),
  (_random, victim) => JSON.stringify({ userIds: [[victim]] }),
  (_random, victim) => JSON.stringify({ userIds: [victim], appId: "other" }),
  (_random, victim) => JSON.stringify({ userIds: [victim], appId: ["shop"] }),
  (_random, victim) => `{"userIds":["x"],"userIds":["${victim}"]}`,
  (_random, victim) => `{"__proto__":{"userIds":["${victim}"]}}`,
  (_random, victim) => `{"constructor":{"prototype":{"userIds":["${victim}"]}}}`,
  (_random, victim) => `\ufeff{"userIds":["${victim}"]}`,
  (_random, victim) => `{"userIds":["${victim}"]`,
  (_random, victim) => `{"userIds":["${victim}"]}}`,
  (_random, victim) => `{'userIds':['${victim}']}`,
  (_random, victim) => `{"userIds":["${victim}\\u0000"]}`,
  (random) => JSON.stringify({ userIds: [random.of(TEXTS), random.of(TEXTS)] }),
  (random) => JSON.stringify({ userIds: [random.of<unknown>([1, null, true, {}, "\ud800", 1e308])] }),
  () => JSON.stringify({ userIds: Array.from({ length: 1_001 }, String) }),
  () => JSON.stringify({ userIds: ["x".repeat(257)] }),
  () => JSON.stringify({ userIds: ["x".repeat(110_000)] }),
  () => `{"userIds":${deep("[", "]")}}`,
  () => deep('{"userIds":', "}"),
  (random) => random.of(["", "null", "0", '""', "[]", "{}", "NaN", "undefined", "\u0000", "{".repeat(100), "]"]),
  (random) => String.fromCharCode(...Array.from({ length: random.whole(1, 500) }, () => random.whole(0, 255))),
];

const binary = (random: Random): string =>
  String.fromCharCode(...Array.from({ length: random.whole(1, 60) }, () => random.whole(128, 255)));
const one =
  (name: string, values: readonly string[]): HeaderPart =>
  (random) => [[name, random.of(values)]];

type HeaderPart = (random: Random) => readonly Header[];
const SITES = ["same-origin", "same-site", "cross-site", "none", "", "SAME-ORIGIN", "evil", "\xff"];
const ORIGINS = [
  "http://127.0.0.1",
  "null",
  "https://evil.example",
  "//evil.example",
  "http://",
  "\xff",
  "http://[::1",
];
const MEDIA = [
  ...["application/json", "text/html", "*/*", "application/x-ndjson", "image/*", "", ";;;q=,/,*/*;q=9", "a/b;q=x"],
  ...["text/html;level=1;q=0", `${"text/html,".repeat(300)}*/*`, "\xff/\xff", "application/json;q=0, */*;q=0"],
];
const CONTENT_TYPES = [
  ...[JSON_TYPE, FORM, "multipart/form-data; boundary=x", "text/plain", "application/json; charset=utf-16"],
  ...["application/json; charset=klingon", ";;;=/", "application/json;".repeat(50), "application/vnd.api+json", "\xff"],
  ...["application/x-www-form-urlencoded; charset=utf-7", "application/x-www-form-urlencoded; charset=iso-8859-1", ""],
];
const COOKIES = [
  ...["", "=", ";;;", "connect.sid=", "connect.sid=s%3A", "connect.sid=s%3A.", "connect.sid=s%3Aa.b", "connect.sid=%"],
  ...[
    "connect.sid=%E0%A4%A",
    "connect.sid=j%3A%7B%7D",
    "connect.sid=..",
    "__proto__=s%3Aa.b",
    "connect.sid[]=a",
    "\xff",
  ],
  ...[`connect.sid=s%3A${"a".repeat(5_000)}.b`, "a=b; ".repeat(1_000), '"', 'connect.sid="s%3Aa.b"'],
];
const HOSTS = ["127.0.0.1", "", "evil.example", "[::1", "a b", "evil.example:99999", "127.0.0.1, evil.example", "\xff"];

/** Faults of headers. Each adds one header, or several. */
export const HEADERS: readonly HeaderPart[] = [
  one("Accept", MEDIA),
  one("Accept", MEDIA),
  one("Accept-Language", ["zh", "en", "*", "", "xx-\xff", "zh;q=9,en;q=-1", "a,".repeat(500)]),
  one("Accept-Encoding", ["gzip", "*;q=0", ""]),
  one("Sec-Fetch-Site", SITES),
  one("Sec-Fetch-Site", SITES),
  (random) => [
    ["Sec-Fetch-Site", random.of(SITES)],
    ["Sec-Fetch-Site", random.of(SITES)],
  ],
  one("Sec-Fetch-Dest", ["document", "image", "iframe", "empty", "", "style", "script", "\xff", "document, image"]),
  one("Sec-Fetch-Mode", ["navigate", "cors", "no-cors"]),
  one("Sec-Purpose", ["prefetch", "prefetch;prerender", "", "x"]),
  one("Purpose", ["prefetch"]),
  one("Origin", ORIGINS),
  (random) => [
    ["Origin", random.of(ORIGINS)],
    ["Origin", random.of(ORIGINS)],
  ],
  one("Referer", ["http://127.0.0.1/", "https://evil.example/", "\xff"]),
  one("Content-Type", CONTENT_TYPES),
  one("Content-Type", CONTENT_TYPES),
  one("Cookie", COOKIES),
  one("Cookie", COOKIES),
  one("x-authing-userpool-id", ["acme", "other", "", "acme\t", "\xff", "x".repeat(5_000)]),
  one("x-authing-app-id", ["shop", "other"]),
  one("X-HTTP-Method-Override", ["POST", "DELETE"]),
  one("X-Forwarded-For", ["", "127.0.0.1", "\xff", "a,".repeat(500), "::1, 10.0.0.1"]),
  one("X-Forwarded-Host", ["evil.example", "", "127.0.0.1,evil.example", "\xff"]),
  one("X-Forwarded-Proto", ["https", "javascript", ""]),
  one("X-Original-URL", ["/u", "//evil.example"]),
  one("If-None-Match", ["*", '"a"', "\xff"]),
  one("Range", ["bytes=0-0", "bytes=-1", "bytes=0-,0-,0-"]),
  one("TE", ["trailers"]),
  one("User-Agent", ["", "(((;;;", "x".repeat(4_000), "<script>", "Mozilla/5.0 ()"]),
  (random) => [["User-Agent", binary(random)]],
  (random) => [["X-Odd", binary(random)]],
  (random) => Array.from({ length: random.whole(50, 300) }, (_, index): Header => [`X-${String(index)}`, "a"]),
];

/** Headers for which Node may refuse the whole request, or read it otherwise than it was meant. */
export const MALFORMED_HEADERS: readonly HeaderPart[] = [
  (random) => [["Host", random.of(HOSTS)]],
  (random) => [["Expect", random.of(["100-continue", "200-ok", ""])]],
  () => [["Upgrade", "websocket"]],
  () => [["X-Huge", "x".repeat(20_000)]],
  () => Array.from({ length: 2_500 }, (): Header => ["X", "a"]),
  (random) => [[random.of(["", "X Y", "X\u0000", "\xff", "X(", "a b"]), "value"]],
  (random) => [["X-Odd", random.of(["a\u0000b", "a\nb", "a\rb", "a\r\n folded", "\u007f", "\u0001"])]],
  (random) => [["Content-Length", random.of(["0", "1", "-1", "1,2", " 5", "0x10"])]],
  () => [["Transfer-Encoding", "chunked"]],
];
