import { describe, expect, it } from "@jest/globals";
import { deviceInfoOf } from "../../lib/util/device-info.js";

const HEADERS = { "user-agent": "Phone/1.0" };

describe("the device behind a request", () => {
  it.each([
    ["of Express", { ip: "203.0.113.9", socket: { remoteAddress: "10.0.0.1" }, headers: HEADERS }, "203.0.113.9"],
    ["of a bare server", { socket: { remoteAddress: "10.0.0.1" }, headers: HEADERS }, "10.0.0.1"],
    ["whose socket is gone", { headers: HEADERS }, undefined],
    ["of an IPv4 client of a dual-stack server", { ip: "::ffff:203.0.113.9", headers: HEADERS }, "203.0.113.9"],
    ["of one that an app has in capitals", { ip: "::FFFF:203.0.113.9", headers: HEADERS }, "203.0.113.9"],
    ["of an IPv6 client", { ip: "2001:db8::ffff:1", headers: HEADERS }, "2001:db8::ffff:1"],
  ])("%s is its address and its user agent", (_whose, req, ip) => {
    expect(deviceInfoOf(req)).toEqual({ ip, userAgent: "Phone/1.0" });
  });

  it.each([
    [undefined],
    [{}],
    [{ ip: "", headers: { "user-agent": "" } }],
    [{ ip: 1, headers: { "user-agent": ["a"] } }],
  ])("is not known of %j", (req) => {
    const { ip, userAgent } = deviceInfoOf(req);
    expect([ip, userAgent]).toEqual([undefined, undefined]);
  });

  it("is cut to a length that fits, and can be written as UTF-8", () => {
    const { ip, userAgent } = deviceInfoOf({ ip: "1".repeat(100), headers: { "user-agent": `${"a".repeat(255)}😀` } });
    expect(ip).toBe("1".repeat(64));
    expect(userAgent).toBe(`${"a".repeat(255)}\uFFFD`);
  });
});
