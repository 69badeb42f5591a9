/** How a response is written: a page, JSON, or JSON as RFC 9457 has it for errors. */
export type Format = "html" | "json" | "problem";

const HTML = /^text\/(?:html|\*)$/;
/** Types of programs: JSON in any dialect, and streams of events. `application/*` and `*\/*` name no page. */
const DATA = /^(?:application\/(?:json|\*)|text\/event-stream|\*\/\*|[^/]+\/[^/]+\+json)$/;
const PROBLEM = "application/problem+json";

/**
 * Returns the format of a response by the request's `Accept`. HTML is only for clients that name it: programs often send
 * `*\/*`, or a type of their own.
 *
 * Source: RFC 9110 section 12.5.1; RFC 9457 section 3.
 */
export function formatFor(accept: string | undefined): Format {
  const types = (accept ?? "").toLowerCase().split(",").map(mediaRange);
  const accepted = types.filter(({ quality }) => quality > 0);
  accepted.sort((a, b) => b.quality - a.quality || Number(isWildcard(a.type)) - Number(isWildcard(b.type)));
  const preferred = accepted.find(({ type }) => HTML.test(type) || DATA.test(type));
  if (preferred !== undefined && HTML.test(preferred.type)) return "html";
  return accepted.some(({ type }) => type === PROBLEM) ? "problem" : "json";
}

/** Returns whether a client asks for JSON by name, and does not prefer a page. */
export function namesJson(accept: string | undefined): boolean {
  return /[/+]json\b/i.test(accept ?? "") && formatFor(accept) !== "html";
}

function mediaRange(text: string): { type: string; quality: number } {
  const [type = "", ...parameters] = text.split(";").map((part) => part.trim());
  const quality = parameters.find((parameter) => parameter.startsWith("q="));
  return { type, quality: quality === undefined ? 1 : Number(quality.slice("q=".length)) };
}

function isWildcard(type: string): boolean {
  return type.endsWith("/*");
}
