import { describe, expect, it } from "@jest/globals";
import { defaultUserId, toUserId } from "../../lib/session/user-id.js";

describe("the default user id", () => {
  it.each([
    [{ passport: { user: "p" }, userId: "u" }, "p"],
    [{ passport: { user: { id: "p", username: "alice" } } }, "p"],
    [{ passport: { user: 0 } }, 0],
    [{ passport: {}, userId: "u", user: { id: "x" } }, "u"],
    [{ userId: 0, user: { id: "x" } }, 0],
    [{ userId: "", user: { id: "x" } }, "x"],
    [{ userId: null, user: { id: 7 } }, 7],
    [{ user: "alice" }, "alice"],
    [{ user: { id: null } }, undefined],
    [{ user: null, passport: null }, undefined],
    [{}, undefined],
  ])("of %j is %j", (session, userId) => {
    expect(defaultUserId(session)).toBe(userId);
  });
});

describe("a user id", () => {
  it.each([
    ["alice", "alice"],
    [0, "0"],
    [-0, "0"],
    [7, "7"],
    [" ", " "],
    ["__proto__", "__proto__"],
    [undefined, undefined],
    [null, undefined],
    ["", undefined],
    [{ toJSON: () => "507f1f77bcf86cd799439011" }, "507f1f77bcf86cd799439011"],
  ])("of %j is %j", (value, userId) => {
    expect(toUserId(value)).toBe(userId);
  });

  it.each([
    Number.NaN,
    Number.POSITIVE_INFINITY,
    true,
    false,
    { toJSON: () => "" },
    { toJSON: () => 7 },
    {},
    [],
    { name: "alice" },
    Symbol("alice"),
    7n,
    () => "alice",
  ])("is nothing that could be taken for another's: %p", (value) => {
    expect(() => toUserId(value)).toThrow(expect.objectContaining({ code: "ERR_USER_ID" }));
  });

  it.each([
    [{}, "not an object:"],
    [true, "not a boolean:"],
  ])("says what it is not: %j", (value, words) => {
    expect(() => toUserId(value)).toThrow(words);
  });
});
