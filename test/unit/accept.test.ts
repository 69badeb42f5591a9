import { describe, expect, it } from "@jest/globals";
import { formatFor } from "../../lib/http/accept.js";

const PAGE = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";

describe("the format of a response", () => {
  it.each([
    ["a page load", PAGE],
    ["HTML alone", "text/html"],
    ["in capitals", "TEXT/HTML; Charset=utf-8"],
    ["any text", "text/*"],
    ["HTML before JSON", "text/html, application/json"],
    ["HTML rather than JSON", "application/json;q=0.5, text/html"],
    ["anything, and HTML by name", "*/*, text/html"],
    ["progress of the console, and pages", "application/x-ndjson, text/html;q=0.9"],
  ])("is HTML for a client that names it: %s", (_client, accept) => {
    expect(formatFor(accept)).toBe("html");
  });

  it.each([
    ["nothing", undefined],
    ["an empty text", ""],
    ["anything", "*/*"],
    ["JSON", "application/json"],
    ["axios", "application/json, text/plain, */*"],
    ["JSON:API", "application/vnd.api+json"],
    ["JSON:API before HTML", "application/vnd.api+json, text/html;q=0.9"],
    ["a GraphQL response", "application/graphql-response+json, application/json;q=0.9"],
    ["a stream of events", "text/event-stream"],
    ["an image", "image/avif,image/webp,*/*;q=0.8"],
    ["XML", "application/xml"],
    ["HTML never", "text/html;q=0, */*"],
    ["HTML less than anything", "text/html;q=0.5, */*"],
    ["what is no list of types", ";;;q=,/,*/*/*;q=9"],
  ])("is JSON for any other: %s", (_client, accept) => {
    expect(formatFor(accept)).toBe("json");
  });

  it.each([
    ["alone", "application/problem+json", "problem"],
    ["with JSON", "application/json, application/problem+json", "problem"],
    ["but refused", "application/json, application/problem+json;q=0", "json"],
    ["less than HTML", "text/html, application/problem+json;q=0.5", "html"],
  ])("is a problem document if the client names that type: %s", (_case, accept, format) => {
    expect(formatFor(accept)).toBe(format);
  });
});
