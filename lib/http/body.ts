import { isUtf8 } from "node:buffer";
import { json, urlencoded } from "express";
import type { Request, RequestHandler, Response } from "express";
import { LogoutError } from "../errors.js";
import { fieldsIn, type Fields } from "./fields.js";
import { debugError } from "../util/debug.js";

const LIMIT = 100 * 1024;
/** Fits 1,000 user ids of 256 characters, each character escaped as `\uXXXX`: 1.5 MB. */
const API_LIMIT = 2 * 1024 * 1024;

/** A format of bodies, and its limit. */
interface Format {
  readonly isJson: boolean;
  /** In bytes. */
  readonly limit: number;
  readonly parser: RequestHandler;
}

const jsonUpTo = (limit: number): Format => ({
  isJson: true,
  limit,
  parser: json({ limit, strict: false, verify: mustBeText }),
});
const JSON_OF_API = jsonUpTo(API_LIMIT);
const JSON_OF_FORM = jsonUpTo(LIMIT);
const FORM: Format = {
  isJson: false,
  limit: LIMIT,
  // Scripts may name each of a thousand users in a field of its own.
  parser: urlencoded({ extended: false, limit: LIMIT, parameterLimit: 2_000 }),
};
/** Of an identity provider, which sends one token: nothing that costs time may come before its signature is checked. */
const SMALL_LIMIT = 64 * 1024;
const SMALL_PARAMETERS = 20;
const SMALL_FORM: Format = {
  isJson: false,
  limit: SMALL_LIMIT,
  parser: urlencoded({ extended: false, limit: SMALL_LIMIT, parameterLimit: SMALL_PARAMETERS }),
};
const FORM_TYPE = "application/x-www-form-urlencoded";

const MESSAGES: Readonly<Record<number, string>> = {
  413: "The body is over the limit: 2 MB of JSON for the admin API, else 100 kB.",
  415: "The body has an encoding or a charset that is not supported: send UTF-8.",
};
const NO_FORM = "A form must be sent as application/x-www-form-urlencoded. With fetch(), send URLSearchParams.";
const GONE = "The body was already read, and nothing left it in req.body. Mount auth before the code that reads it.";

/**
 * Reads the JSON body of a request to the admin API, also where another body parser has read it before.
 *
 * @throws LogoutError `ERR_REQUEST_INVALID` 400, 413, 415
 */
export async function readJson(req: Request, res: Response): Promise<unknown> {
  if (req.is("application/json") === false) {
    throw new LogoutError("ERR_REQUEST_INVALID", "The body must be sent with Content-Type: application/json.", {
      status: 415,
    });
  }
  return readBody(req, res, JSON_OF_API);
}

/**
 * Reads the fields of a form, also where another body parser has read it before.
 *
 * @throws LogoutError `ERR_REQUEST_INVALID` 400, 413, 415
 */
export async function readForm(req: Request, res: Response): Promise<Fields> {
  return fieldsIn(await readBody(req, res, isJson(req) ? JSON_OF_FORM : FORM));
}

/** The fields of a form that needs none: a body that cannot be read has no fields. */
export async function readOptionalForm(req: Request, res: Response): Promise<Fields> {
  return readForm(req, res).catch((error: unknown) => {
    debugError("a form that needs no field could not be read", error);
    return fieldsIn(undefined);
  });
}

/**
 * Reads a small form: an identity provider sends one. The limits count as well where another body parser has read it before.
 *
 * @throws LogoutError `ERR_REQUEST_INVALID` 400, 413, 415
 */
export async function readSmallForm(req: Request, res: Response): Promise<Fields> {
  if (req.is(FORM_TYPE) === false) throw bad(415, NO_FORM);
  const body = await readBody(req, res, SMALL_FORM);
  const parameters = Object.entries((body ?? {}) as Record<string, unknown>).flatMap(([name, values]) =>
    [values].flat().map((value) => `${name}=${typeof value === "string" ? value : ""}`),
  );
  if (parameters.length > SMALL_PARAMETERS || parameters.join("&").length > SMALL_LIMIT) throw bad(413);
  return fieldsIn(body);
}

/**
 * Reads a text of one media type, also where another body parser has read it before.
 *
 * @throws LogoutError `ERR_REQUEST_INVALID` 400, 413, 415
 */
export async function readSmallText(req: Request, type: string): Promise<string> {
  const format = { isJson: false, limit: SMALL_LIMIT };
  const isEncoded = !/^(?:identity)?$/i.test(req.headers["content-encoding"] ?? "");
  if (req.is(type) === false || isEncoded) throw bad(415);
  const body = isRead(req) ? bodyOf(req, format, true) : await readStream(req, SMALL_LIMIT);
  if (typeof body !== "string" && !(body instanceof Uint8Array)) throw bad(400, GONE);
  return textOf(body, req, format);
}

/** What is over the limit is read and dropped, so that the client reads the answer. */
function readStream(req: Request, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    req.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length > limit) reject(bad(413));
      else chunks.push(chunk);
    });
    req.once("end", () => {
      resolve(Buffer.concat(chunks));
    });
    req.once("error", (error) => {
      reject(badBody(error, { isJson: false }));
    });
  });
}

async function readBody(req: Request, res: Response, format: Format): Promise<unknown> {
  const wasRead = isRead(req);
  if (!wasRead) await parseStream(req, res, format);
  const body = bodyOf(req, format, wasRead);
  if (wasRead && body === undefined && hasBody(req)) throw bad(400, GONE);
  // A text that our own parser has left is a JSON string.
  const isText = body instanceof Uint8Array || (wasRead && typeof body === "string");
  if (!format.isJson && (isText || !wasRead) && hasBody(req) && req.is(FORM_TYPE) === false) throw bad(415, NO_FORM);
  if (!isText) return body;
  return parse(textOf(body, req, format), format);
}

/** body-parser 1 marks a request that it has read, body-parser 2 and other parsers do not. A stream itself knows. */
function isRead(req: Request & { readonly _body?: unknown }): boolean {
  const isStream = typeof (req as { readableDidRead?: unknown }).readableDidRead === "boolean";
  return !isStream || req._body === true || req.readableDidRead || req.readableEnded || req.destroyed;
}

/** `req.body` may be a getter that parses; cloud functions and webhooks keep the bytes in `rawBody`. */
function bodyOf(
  req: Request & { readonly rawBody?: unknown },
  format: Pick<Format, "isJson">,
  wasRead: boolean,
): unknown {
  try {
    const body = req.body as unknown;
    return wasRead && isPlaceholder(req, body) ? req.rawBody : (body ?? req.rawBody);
  } catch (error) {
    throw badBody(error, format);
  }
}

/** Returns whether a body is the `{}` that body-parser 1 sets on every request, also when it does not read the body. */
function isPlaceholder(req: Request & { readonly _body?: unknown }, body: unknown): boolean {
  const isEmpty = isRecord(body) && Object.keys(body).length === 0;
  // Two bytes may be the JSON of an empty object.
  return isEmpty && req._body !== true && Number(req.headers["content-length"] ?? Infinity) > "{}".length;
}

function isRecord(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

function hasBody(req: Request): boolean {
  return req.headers["transfer-encoding"] !== undefined || Number(req.headers["content-length"] ?? 0) > 0;
}

function isJson(req: Request): boolean {
  return /^\s*application\/json\b/i.test(req.headers["content-type"] ?? "");
}

function parseStream(req: Request, res: Response, format: Format): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: unknown): void => {
      if (error === undefined) resolve();
      else reject(badBody(error, format));
    };
    format.parser(req, res, done);
  });
}

function textOf(body: string | Uint8Array, req: Request, format: Pick<Format, "isJson" | "limit">): string {
  if (Buffer.byteLength(body) > format.limit) throw bad(413);
  if (typeof body === "string") return body;
  const charset = /;\s*charset="?([^\s;"]+)/i.exec(req.headers["content-type"] ?? "")?.[1] ?? "utf-8";
  if (!/^utf-(8|16(le|be)?)$/i.test(charset)) throw bad(415);
  try {
    return new TextDecoder(charset, { fatal: true }).decode(body);
  } catch (error) {
    throw badBody(error, format);
  }
}

function parse(text: string, format: Format): unknown {
  if (text === "") return undefined;
  if (!format.isJson) return fieldsOfForm(text);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw badBody(error, format);
  }
}

function fieldsOfForm(text: string): object {
  const fields = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(text)) {
    const values = fields.get(name);
    if (values === undefined) fields.set(name, [value]);
    else values.push(value);
  }
  return Object.fromEntries(fields);
}

/** Bytes that are no UTF-8 would be replaced, and two user ids might become one. */
function mustBeText(_req: unknown, _res: unknown, body: Buffer, encoding: string): void {
  if (encoding === "utf-8" && !isUtf8(body)) throw new Error("not UTF-8");
}

/** The parser's error holds the body, which may hold anything: only its status is handed on. */
function badBody(error: unknown, format: Pick<Format, "isJson">): LogoutError {
  const { status } = (error ?? {}) as { status?: unknown };
  if (status === 413 || status === 415) return bad(status);
  return bad(400, `The body is not valid ${format.isJson ? "JSON" : "form data"}.`);
}

function bad(status: number, message = MESSAGES[status] ?? ""): LogoutError {
  return new LogoutError("ERR_REQUEST_INVALID", message, { status });
}
