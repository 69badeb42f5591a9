import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { packUserAgent, unpackUserAgent } from "../../lib/registry/redis/user-agent.js";

const BROWSERS = [
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36 Edg/143.0.0.0",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Safari/605.1.15",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/143.0.7000.0 Mobile/15E148 Safari/604.1",
  "Mozilla/5.0 (Linux; Android 16; Pixel 10 Pro) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Mobile Safari/537.36",
  "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
];

describe("a user agent, packed", () => {
  it.each(["", "~", "~AAAA", "a", "\ufffd", "名字很长的用户"])("is unpacked to the original text: %j", (userAgent) => {
    expect(unpackUserAgent(packUserAgent(userAgent))).toBe(userAgent);
  });

  it("is unpacked to the original text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 256 }), (text) => {
        const userAgent = text.toWellFormed();
        expect(unpackUserAgent(packUserAgent(userAgent))).toBe(userAgent);
        expect(packUserAgent(userAgent).length).toBeLessThanOrEqual(Math.max(userAgent.length, 400));
      }),
    );
  });

  it.each(BROWSERS)("is less than half as long: %s", (browser) => {
    expect(packUserAgent(browser).length).toBeLessThan(browser.length / 2);
    expect(unpackUserAgent(packUserAgent(browser))).toBe(browser);
  });

  it.each(["a", "curl/8.5.0", "名字"])("stays as it is if that is shorter: %s", (userAgent) => {
    expect(packUserAgent(userAgent)).toBe(userAgent);
  });

  it("is read in the format of earlier versions", () => {
    expect(unpackUserAgent("~o511xtisgyZRqBwA")).toBe(BROWSERS[0]);
    expect(unpackUserAgent("curl/8.5.0")).toBe("curl/8.5.0");
  });
});
