import { describe, expect, it } from "@jest/globals";
import { comparablePath, encodePath, encodePattern, plainPath } from "../../lib/util/paths.js";

describe("paths that are compared", () => {
  it.each([
    ["/login", "/login"],
    ["/Login/", "/login"],
    ["/login?next=/me", "/login"],
    ["/login#top", "/login"],
    ["/%6Cogin", "/login"],
    ["/a/../login", "/login"],
    ["/./login", "/login"],
    ["/anmelden-für", "/anmelden-f%c3%bcr"],
    ["/anmelden-f%C3%BCr", "/anmelden-f%c3%bcr"],
    ["/a b", "/a%20b"],
    ["/a%2Fb", "/a%2fb"],
    ["http://shop.example/login", "/login"],
    ["https://shop.example", "/"],
    ["/", "/"],
    ["//login", "//login"],
    ["//evil.example/login", "//evil.example/login"],
    ["/\\evil.example", "//evil.example"],
    ["/%E0%A4%A", "/%e0%a4%a"],
    ["*", undefined],
    ["", undefined],
    ["login", undefined],
  ])("have one spelling: %s", (target, path) => {
    expect(comparablePath(target)).toBe(path);
  });
});

describe("paths as browsers send them", () => {
  it.each([
    ["/konto/\u00e4", "/konto/%C3%A4"],
    ["/a b", "/a%20b"],
    ["/d%C3%A9co", "/d%C3%A9co"],
    ["/\ud83d\ude00", "/%F0%9F%98%80"],
    ["/\ud800", "/%EF%BF%BD"],
    ["/a-b.c~d@e", "/a-b.c~d@e"],
  ])("are percent-encoded once: %j", (path, encoded) => {
    expect(encodePath(path)).toBe(encoded);
    expect(encodePattern(path)).toBe(encoded);
  });

  it.each([
    ["/\u00fc/:appId/\u00e4", "/%C3%BC/:appId/%C3%A4"],
    ["/:gr\u00f6\u00dfe/\u00e4", "/:gr\u00f6\u00dfe/%C3%A4"],
    ['/:"my name"/a b', '/:"my name"/a%20b'],
    ["/\u00e4{/:id}/*rest", "/%C3%A4{/:id}/*rest"],
    ["/a\\:\u00e4", "/a\\:%C3%A4"],
  ])("are encoded beside the names of parameters: %j", (path, encoded) => {
    expect(encodePattern(path)).toBe(encoded);
  });
});

describe("a path in front of others", () => {
  it.each([
    ["/shop", "/shop"],
    ["/shop/", "/shop"],
    ["/a/b-c.d", "/a/b-c.d"],
    ["/l%C3%A4den", "/l%C3%A4den"],
    ["/", ""],
  ])("is plain: %s", (path, plain) => {
    expect(plainPath(path)).toBe(plain);
  });

  it.each([
    ...["", "shop", "//evil.example", "/shop//", "/a//b", "/\\evil.example", "/a\\b", "/..", "/a/../b", "/.", "/a?b"],
    ...[
      "/a#b",
      "/a b",
      "/a\r\nb",
      "/a\u0000",
      "/%2f%2fevil",
      "/%5c",
      "/%0d%0a",
      "/%2e%2e",
      "/%",
      "/\u00e4",
      "/a,b",
      "/<a>",
    ],
    ...["https://evil.example", "/a'\"b"],
  ])("is none: %j", (path) => {
    expect(plainPath(path)).toBeUndefined();
  });
});
