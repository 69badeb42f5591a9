import type { IncomingMessage } from "node:http";

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

/** The fields of a form, as a body parser has left them. In JSON, `7` names the same user as `"7"`, and `true` is a tick. */
export function fieldsIn(body: unknown): Fields {
  const values = (typeof body === "object" ? body : undefined) as Readonly<Record<string, unknown>> | null | undefined;
  return (name) => [values?.[name]].flat().flatMap((value) => textOf(value) ?? []);
}

function textOf(value: unknown): string | undefined {
  if (value === true) return "1";
  return typeof value === "number" ? String(value) : typeof value === "string" ? value : undefined;
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
