import { describe, expect, it } from "@jest/globals";
import { localeFor } from "../../lib/http/languages.js";

describe("the language of the pages", () => {
  it.each([
    ["en", ["en", "en-GB", "en-US", "EN"]],
    ["zh", ["zh", "zh-CN", "zh-SG", "zh-Hans", "zh-Hans-CN", "zh-Hans-HK"]],
    ["zh-TW", ["zh-TW", "zh-HK", "zh-MO", "zh-Hant", "zh-Hant-TW", "zh-Hant-HK", "ZH-hant", "zh-tw"]],
    ["de", ["de", "de-DE", "de-AT", "de-CH"]],
    ["fr", ["fr", "fr-CA", "fr-CH"]],
    ["es", ["es", "es-MX", "es-419"]],
    ["ja", ["ja", "ja-JP"]],
    ["pt-BR", ["pt", "pt-BR", "pt-PT", "pt-AO"]],
  ])("is %s for %j", (locale, tags) => {
    expect(tags.map((tag) => localeFor([tag]))).toEqual(tags.map(() => locale));
  });

  it("is the first that there is", () => {
    expect(localeFor(["it", "nl-NL", "pt-PT", "de"])).toBe("pt-BR");
  });

  it.each([[[]], [["*"]], [["*", "de"]], [["it"]], [["it", "*", "de"]], [["xx-yy"]]])("is English for %j", (tags) => {
    expect(localeFor(tags)).toBe("en");
  });

  it.each([
    "",
    "-",
    "en-a",
    "de--AT",
    "de_AT",
    "d",
    "123",
    "de\u0000",
    "é",
    "__proto__",
    "x".repeat(10_000),
    "zh-" + "hant-".repeat(50),
  ])("is English for a tag that is none: %j", (tag) => {
    expect(localeFor([tag])).toBe("en");
  });

  it("looks at the first 20 only", () => {
    expect(localeFor([...Array.from({ length: 19 }, () => "xx"), "de"])).toBe("de");
    expect(localeFor([...Array.from({ length: 20 }, () => "xx"), "de"])).toBe("en");
  });
});
