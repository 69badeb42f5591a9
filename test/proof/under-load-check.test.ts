import { describe, expect, it } from "@jest/globals";
import { check } from "./under-load/check.js";
import type { EndEntry, FaultEntry, Log, LoginEntry, RequestEntry } from "./under-load/log.js";

/** alice logs in from 10 to 20. */
const LOGIN: LoginEntry = { id: 1, userId: "alice", began: 10, ended: 20 };

const request = (began: number, given: Partial<RequestEntry> = {}): RequestEntry => ({
  loginId: 1,
  what: "GET /me",
  outcome: "served",
  servedAs: given.outcome === undefined ? "alice" : undefined,
  began,
  ended: began + 5,
  ...given,
});
const kick = (began: number, given: Partial<EndEntry> = {}): EndEntry => ({
  of: { userIds: ["bob", "alice"] },
  isDone: true,
  began,
  ended: began + 10,
  ...given,
});
const fault = (began: number, given: Partial<FaultEntry> = {}): FaultEntry => ({
  name: "a fault",
  began,
  ended: began + 10,
  backAt: began + 20,
  ...given,
});

function rules({ requests = [], ends = [], faults = [] }: Partial<Log>): string[] {
  return check({ logins: [LOGIN], requests, ends, faults }).map(({ rule }) => rule);
}

describe("a request that is served", () => {
  it.each<[string, EndEntry]>([
    ["its user was kicked", kick(30)],
    ["its login was logged out", kick(30, { of: { loginId: 1 } })],
    ["everyone was logged out", kick(30, { of: "everyone" })],
  ])("is a violation if it began after the answer that %s", (_case, end) => {
    expect(rules({ requests: [request(40.1)], ends: [end] })).toEqual(["served after its end"]);
  });

  it.each<[string, EndEntry]>([
    ["began before the kick was answered", kick(40)],
    ["is of a login that may have come after the kick", kick(19, { ended: 30 })],
    ["is of a login that came after the kick", kick(0, { ended: 5 })],
    ["came after a kick that was answered with an error", kick(30, { isDone: false })],
    ["came after a kick of another user", kick(30, { of: { userIds: ["bob"] } })],
    ["came after another login's end", kick(30, { of: { loginId: 2 } })],
  ])("is no violation if it %s", (_case, end) => {
    expect(rules({ requests: [request(45)], ends: [end] })).toEqual([]);
  });

  it("is a violation after the first of several kicks", () => {
    expect(rules({ requests: [request(45)], ends: [kick(60), kick(30), kick(200)] })).toEqual(["served after its end"]);
  });

  it("is a violation if served as another user", () => {
    expect(rules({ requests: [request(30, { servedAs: "bob" })] })).toEqual(["served as another user"]);
  });
});

describe("a rejected request", () => {
  const refused = request(100, { outcome: "refused" });

  it.each<[string, EndEntry[]]>([
    ["no user was kicked", []],
    ["the user's login came after the kick", [kick(0, { ended: 9 })]],
    ["the kick came later", [kick(110)]],
    ["another user was kicked", [kick(30, { of: { userIds: ["bob"] } })]],
  ])("is a violation if %s", (_case, ends) => {
    expect(rules({ requests: [refused], ends })).toEqual(["refused without an end"]);
  });

  it.each<[string, EndEntry]>([
    ["the kick was answered", kick(30)],
    ["the kick was under way", kick(98, { ended: 200 })],
    ["the kick was answered with an error", kick(30, { isDone: false })],
    ["the kick may have come after the login", kick(5)],
  ])("is no violation if %s", (_case, end) => {
    expect(rules({ requests: [refused], ends: [end] })).toEqual([]);
  });
});

describe("a request that fails", () => {
  it.each<[string, RequestEntry, FaultEntry[], string[]]>([
    ["is a violation without a fault", request(100, { outcome: "unavailable" }), [], ["failed without a fault"]],
    ["is one after service was back", request(51, { outcome: "unavailable" }), [fault(30)], ["failed without a fault"]],
    ["is one before a fault", request(20, { outcome: "unavailable" }), [fault(30)], ["failed without a fault"]],
    ["is none before service is back", request(45, { outcome: "unavailable" }), [fault(30)], []],
    ["is one if it is never answered", request(45, { outcome: "lost" }), [fault(30)], ["not answered"]],
    ["is one if it takes more than a minute", request(45, { ended: 60_046 }), [fault(30)], ["not answered"]],
  ])("%s", (_case, failing, faults, expected) => {
    expect(rules({ requests: [failing], faults })).toEqual(expected);
  });
});

describe("a fault without a recovery", () => {
  it("is a violation", () => {
    expect(rules({ faults: [fault(0), fault(50, { backAt: Infinity }), fault(0, { backAt: 30_011 })] })).toEqual([
      "not back in time",
      "not back in time",
    ]);
  });
});
