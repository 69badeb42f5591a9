import { STATUS_CODES } from "node:http";
import type { LogoutError } from "../errors.js";
import { formatFor } from "./accept.js";

/** The response of a handler, as data. `send()` turns it into a response of Express. */
export type Reply = JsonReply | PageReply | RedirectReply | LinesReply | EmptyReply;

interface AnyReply {
  readonly status: number;
  /** Headers beside those that every reply of this kind has. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Whole `Set-Cookie` headers, beside those that the response has. */
  readonly cookies?: readonly string[] | undefined;
  /** The request header that has decided what the reply is. */
  readonly vary?: "Accept" | undefined;
}

export interface JsonReply extends AnyReply {
  readonly json: object;
}

export interface PageReply extends AnyReply {
  /** A whole HTML document. */
  readonly page: string;
  readonly policy?: PagePolicy | undefined;
}

export interface RedirectReply extends AnyReply {
  readonly redirect: string;
}

/**
 * A line of JSON for each step of something that takes long. The head is sent before it is known how it ends. The signal aborts
 * once the client no longer reads: it was stopped, or its page was closed.
 */
export interface LinesReply extends AnyReply {
  readonly lines: (line: (data: object) => void, signal: AbortSignal) => Promise<void>;
}

/** A status says everything. */
export interface EmptyReply extends AnyReply {
  readonly empty: true;
}

export interface PagePolicy {
  /** Whether the page shows pictures of users. Default: `true`. */
  readonly hasPictures?: boolean;
  /** The pages that may show this page in a frame. Default: none. */
  readonly frameAncestors?: "'none'" | "'self'";
}

/** Returns whether a value is a reply: a step of a handler returns what was asked for, or the reply that takes its place. */
export function isReply(value: object): value is Reply {
  return "status" in value;
}

/** Replies with JSON as every API of this package does: the HTTP status again in `code`. */
export function jsonReply(status: number, message: string, more: object = {}): JsonReply {
  return { status, json: { code: status, message, ...more } };
}

/** What the route of a page replies: the page, or what it shows as JSON. */
export function pageOrData(page: string | object): PageReply | JsonReply {
  return typeof page === "string" ? { status: 200, vary: "Accept", page } : { status: 200, vary: "Accept", json: page };
}

/** Replies with an error as JSON, and as a problem (RFC 9457) to a client that names its type; `code` and `message` stay. */
export function errorReply(
  accept: string | undefined,
  { status, message, headers }: Pick<LogoutError, "status" | "message"> & Pick<AnyReply, "headers">,
): JsonReply {
  if (formatFor(accept) !== "problem") return { ...jsonReply(status, message), headers };
  return {
    status,
    headers: { ...headers, "Content-Type": "application/problem+json; charset=utf-8" },
    json: { type: "about:blank", title: STATUS_CODES[status], status, detail: message, code: status, message },
  };
}

/** `303 See Other`: after a form, the page that shows its result. */
export function redirectReply(redirect: string, status = 303): RedirectReply {
  return { status, redirect };
}
