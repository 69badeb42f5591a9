import type { IncomingMessage } from "node:http";
import { LogoutError } from "../errors.js";

/** Returns the values of a parameter or field, in the order in which they were sent: none, one or several. */
export type Fields = (name: string) => readonly string[];

/**
 * The query parameters of a request, from its address. `req.query` depends on the app's query parser, and `hpp` and
 * sanitizers rewrite it.
 */
export function queryOf(req: IncomingMessage): Fields {
  const query = /\?([^#]*)/.exec(req.url ?? "")?.[1];
  const parameters = new URLSearchParams(query);
  return (name) => parameters.getAll(name);
}

/**
 * The fields of a form, as a body parser has left them. In JSON, `7` names the same user as `"7"`.
 *
 * @throws LogoutError `ERR_REQUEST_INVALID` 400 for a number that JSON has rounded: it may be the id of another user
 */
export function fieldsIn(body: unknown): Fields {
  const values = (typeof body === "object" ? body : undefined) as Readonly<Record<string, unknown>> | null | undefined;
  return (name) => [values?.[name]].flat().flatMap((value) => textOf(value) ?? []);
}

function textOf(value: unknown): string | undefined {
  if (value === true) return "true";
  if (typeof value !== "number") return typeof value === "string" ? value : undefined;
  if (Number.isSafeInteger(value)) return String(value);
  throw new LogoutError("ERR_REQUEST_INVALID", "A number in the body is not exact. Send ids as strings.");
}

/** Returns the first value of a field that is not empty. */
export function valueOf(fields: Fields, name: string): string | undefined {
  return fields(name).find((value) => value !== "");
}

/** Returns the value of a field that was sent once. */
export function onlyValueOf(fields: Fields, name: string): string | undefined {
  const [value, ...others] = fields(name);
  return others.length === 0 ? value : undefined;
}

/** Returns whether a tick is set: `1` as the pages send it, or `true` in JSON. */
export function isTicked(fields: Fields, name: string): boolean {
  return fields(name).some((value) => value === "1" || value === "true");
}
