import { describe, expect, it } from "@jest/globals";
import { Secrets } from "../support/secrets.js";

describe("the search for secrets in a text", () => {
  const sid = "aB3-_56789012345678901234567890z";
  const secrets = new Secrets(["a token"]);
  secrets.add(`connect.sid=s%3A${sid}.c2lnbmF0dXJl`);

  it.each([
    ["a token", "the token is a token."],
    ["a session id", `no session ${sid}!`],
    ["a session id in a cookie", `connect.sid=s%3A${sid}.c2ln`],
    ["a session id in a key", `SET sess:${sid}_1`],
  ])("finds %s", (_case, content) => {
    expect(secrets.foundIn(content)).toBeDefined();
  });

  it("finds nothing in a text without secrets", () => {
    expect(secrets.foundIn(`${"x".repeat(100)} ${sid.slice(1)} a_token`)).toBeUndefined();
  });
});
