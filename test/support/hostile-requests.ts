import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { BODIES, FORM, HEADERS, JSON_TYPE, MALFORMED_HEADERS, QUERIES, routesOf } from "./hostile-parts.js";
import type { Random } from "./random.js";

/** A request as bytes, and the expected behavior. */
export interface HostileRequest {
  readonly bytes: Buffer;
  /** The request is incomplete or not HTTP, so that a missing answer is valid too. */
  readonly isMalformed: boolean;
}

/** A site, and the senders of requests. */
export interface Target {
  readonly appId: string;
  readonly at: string;
  /** Files of the pages. */
  readonly assets: readonly string[];
  readonly senders: readonly Sender[];
}

/** Headers that identify a sender, such as cookies and tokens, and the sender's aims. */
export interface Sender {
  readonly headers: Readonly<Record<string, string>>;
  /** Names of headers that the sender does not send again with random values. */
  readonly fixed?: readonly string[];
  /** The user whom the sender tries to force offline. */
  readonly victim: string;
  /** The text that the sender types to force everyone offline. */
  readonly everyone: string;
}

type Header = readonly [name: string, value: string];

/** A fault of the way a body is sent. */
type Framing = (body: Buffer, random: Random) => { headers: Header[]; body: Buffer; isMalformed: boolean };

const length = (value: string): Header[] => [["Content-Length", value]];
const CHUNKED: Header = ["Transfer-Encoding", "chunked"];
const chunked = (body: Buffer, extension = "", trailer = ""): Buffer =>
  Buffer.concat([
    Buffer.from(`${body.length.toString(16)}${extension}\r\n`, "latin1"),
    body,
    Buffer.from(`\r\n0\r\n${trailer}\r\n`, "latin1"),
  ]);

const PLAIN: Framing = (body) => ({ headers: length(String(body.length)), body, isMalformed: false });

const FRAMINGS: readonly Framing[] = [
  (body) => ({
    headers: [CHUNKED],
    body: body.length > 0 ? chunked(body) : Buffer.from("0\r\n\r\n"),
    isMalformed: false,
  }),
  (body) => ({ headers: [CHUNKED], body: chunked(body, ';ext="a;b"'), isMalformed: true }),
  (body) => ({ headers: [CHUNKED], body: chunked(body, "", "Authorization: x\r\nCookie: a=b\r\n"), isMalformed: true }),
  (body) => ({ headers: [CHUNKED], body: chunked(body, "\u0000"), isMalformed: true }),
  (body) => ({
    headers: [CHUNKED],
    body: Buffer.concat([Buffer.from("fffffffffffffffff\r\n"), body]),
    isMalformed: true,
  }),
  (body) => ({ headers: [CHUNKED], body: Buffer.concat([Buffer.from("-1\r\n"), body]), isMalformed: true }),
  (body) => ({ headers: [CHUNKED], body: Buffer.concat([Buffer.from("ff\r\n"), body]), isMalformed: true }),
  (body) => ({ headers: [CHUNKED, ...length(String(body.length))], body: chunked(body), isMalformed: true }),
  (body) => ({ headers: [["Transfer-Encoding", "chunked, identity"]], body: chunked(body), isMalformed: true }),
  (body) => ({ headers: [["Transfer-Encoding", "xchunked"]], body: chunked(body), isMalformed: true }),
  (body) => ({ headers: [["Transfer-Encoding", " chunked"], CHUNKED], body: chunked(body), isMalformed: true }),
  (body) => ({ headers: length(String(body.length + 10)), body, isMalformed: true }),
  (body) => ({ headers: length(String(Math.max(0, body.length - 10))), body, isMalformed: true }),
  (body) => ({ headers: length("0"), body, isMalformed: true }),
  (body) => ({
    headers: [...length(String(body.length)), ...length(String(body.length + 1))],
    body,
    isMalformed: true,
  }),
  (body) => ({ headers: length("-1"), body, isMalformed: true }),
  (body) => ({ headers: length("1e3"), body, isMalformed: true }),
  (body) => ({ headers: length("99999999999999999999"), body, isMalformed: true }),
  (body) => ({ headers: [], body, isMalformed: true }),
];

/** Encodings of a body: as declared, as another encoding, bombs, and cut off. */
type Encoding = (body: Buffer) => readonly [encoding: string, body: Buffer];
const BOMB = gzipSync(Buffer.alloc(10_000_000));
const BROTLI_BOMB = brotliCompressSync(Buffer.alloc(10_000_000));
const ENCODINGS: readonly Encoding[] = [
  (body) => ["gzip", gzipSync(body)],
  (body) => ["deflate", deflateSync(body)],
  (body) => ["br", brotliCompressSync(body)],
  (body) => ["GZIP", gzipSync(body)],
  (body) => ["gzip, gzip", gzipSync(gzipSync(body))],
  (body) => ["gzip", body],
  (body) => ["br", body],
  (body) => ["deflate", gzipSync(body)],
  (body) => ["gzip", gzipSync(body).subarray(0, 15)],
  (body) => ["identity", body],
  (body) => ["", body],
  (body) => ["zip", body],
  () => ["gzip", BOMB],
  () => ["br", BROTLI_BOMB],
];

/** Longer ones than about this Node does not read. */
const MOST_HEAD = 12_000;

const METHODS = ["GET", "GET", "GET", "POST", "POST", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"];
const ODD_METHODS = ["PROPFIND", "M-SEARCH", "get", "CONNECT", "GET\t", "G ET", "\u0000", "X".repeat(100)];
const VERSIONS = ["HTTP/1.0", "HTTP/2.0", "HTTP/1.2", "HTTP/0.9", "http/1.1", "HTP/1.1", ""];

/** Draws one request to a route, with random faults. The same seed gives the same request. */
export function hostileRequest(random: Random, { appId, at, assets, senders }: Target): HostileRequest {
  const sender = random.of(senders);
  const isOddMethod = random.chance(0.02);
  const isOddVersion = random.chance(0.02);
  const [rightMethod, path] = random.of([
    ...routesOf(appId).map(([method, route]) => [method, at + route] as const),
    ...assets.map((asset) => ["GET", asset] as const),
  ]);
  const method = random.chance(0.8) ? rightMethod : random.of(isOddMethod ? ODD_METHODS : METHODS);
  const version = isOddVersion ? random.of(VERSIONS) : "HTTP/1.1";
  const sendsBody = !["GET", "HEAD"].includes(method) || random.chance(0.1);
  const isForm = random.chance(path.includes("/api/") ? 0.1 : 0.8);

  const given = bodyOf(random, isForm, appId, sender);
  const [encoding, body] = encoded(random, Buffer.from(given, random.chance(0.9) ? "utf8" : "latin1"));
  const isPlain = !sendsBody || random.chance(0.85);
  const framed = (isPlain ? PLAIN : random.of(FRAMINGS))(sendsBody ? body : Buffer.alloc(0), random);

  const isOddHead = random.chance(0.12);
  const odd = Array.from({ length: random.whole(0, 3) }, () => random.of(HEADERS));
  const drawn = [...odd, ...(isOddHead ? [random.of(MALFORMED_HEADERS)] : [])].flatMap((header) => header(random));
  const headers = random.shuffled([
    ...(random.chance(0.99) ? [["Host", "127.0.0.1"] as const] : []),
    ...(sendsBody && random.chance(0.95) ? [["Content-Type", isForm ? FORM : JSON_TYPE] as const] : []),
    ...Object.entries(sender.headers),
    ...(encoding === undefined ? [] : [["Content-Encoding", encoding] as const]),
    ...framed.headers,
    ...drawn.filter(([name]) => sender.fixed?.includes(name) !== true),
  ]);
  const query = queryOf(random, sender);
  const target = random.chance(0.2) ? oddPath(random, path) : path;
  const lines = headers.map(([name, value]) => `${name}:${random.chance(0.95) ? " " : ""}${value}`);
  const head = [
    `${method} ${target}${query === "" ? "" : `?${query}`} ${version}`,
    "Connection: close",
    ...lines,
    "",
    "",
  ].join("\r\n");
  const isRefused = isOddHead || !lines.some((line) => line.startsWith("Host:")) || head.length > MOST_HEAD;
  return {
    bytes: Buffer.concat([Buffer.from(head, "latin1"), framed.body]),
    isMalformed: isOddMethod || isOddVersion || isRefused || framed.isMalformed,
  };
}

/** Valid often enough, so that the other parts are tested with a valid body as well. */
function bodyOf(random: Random, isForm: boolean, appId: string, sender: Sender): string {
  const { victim } = sender;
  const isRight = random.chance(0.4);
  if (isForm) return isRight ? `user=${victim}&${queryOf(random, sender)}` : queryOf(random, sender);
  return isRight ? JSON.stringify({ userIds: [victim], appId }) : random.of(BODIES)(random, victim);
}

/** Of an address or of a form. */
function queryOf(random: Random, sender: Sender): string {
  return Array.from({ length: random.whole(0, 3) }, () => random.of(QUERIES)(random, sender)).join("&");
}

function oddPath(random: Random, path: string): string {
  const at = random.whole(0, path.length - 1);
  const code = path.charCodeAt(at).toString(16).padStart(2, "0");
  return random.of([
    path.toUpperCase(),
    `${path}/`,
    `/${path}`,
    `//evil.example${path}`,
    `/\\evil.example${path}`,
    `http://evil.example${path}`,
    `https://shop.example@evil.example${path}`,
    `http:${path}`,
    `*`,
    `${path.slice(0, at)}%${code}${path.slice(at + 1)}`,
    `${path.slice(0, at)}%25${code}${path.slice(at + 1)}`,
    `${path.slice(0, at)}/.${path.slice(at)}`,
    `${path.slice(0, at)}/x/..${path.slice(at)}`,
    `${path};a=b`,
    `${path}%00`,
    `${path}%0d%0aLocation:%20//evil.example`,
    `${path}%E0%A4%A`,
    `${path}\xff`,
    `${path}#https://evil.example`,
    `${path}/${"x".repeat(3_000)}`,
    `${path}.json`,
    path.slice(0, at),
  ]);
}

function encoded(random: Random, body: Buffer): readonly [string | undefined, Buffer] {
  return random.chance(0.85) ? [undefined, body] : random.of(ENCODINGS)(body);
}
