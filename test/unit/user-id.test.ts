import { describe, expect, it } from "@jest/globals";
import mongoose from "mongoose";
import { Sequelize } from "sequelize";
import { defaultUserId, findDefaultUserId, toUserId, type Session } from "../../lib/session/user-id.js";

const HEX = "507f1f77bcf86cd799439011";
const objectId = new mongoose.Types.ObjectId(HEX);
const User = mongoose.model("User", new mongoose.Schema({ name: String }));
const PublicUser = mongoose.model(
  "PublicUser",
  new mongoose.Schema({ name: String }, { toJSON: { virtuals: true, transform: (doc) => ({ id: doc.id }) } }),
);
const Row = new Sequelize({ dialect: "mysql" }).define("Row", {});

/** As a store has it that keeps JSON. */
const stored = (session: Session): Session => JSON.parse(JSON.stringify(session)) as Session;

describe("the default user id", () => {
  const SESSIONS: readonly (readonly [string, Session, unknown, string?])[] = [
    // The results of earlier versions.
    ["passport.user before userId", { passport: { user: "p" }, userId: "u" }, "p", "passport.user"],
    ["passport.user.id", { passport: { user: { id: "p", username: "alice" } } }, "p", "passport.user.id"],
    ["0 in passport.user", { passport: { user: 0 } }, 0, "passport.user"],
    ["userId before user", { passport: {}, userId: "u", user: { id: "x" } }, "u", "userId"],
    ["0 in userId", { userId: 0, user: { id: "x" } }, 0, "userId"],
    ["user after an empty userId", { userId: "", user: { id: "x" } }, "x", "user.id"],
    ["user after a userId of null", { userId: null, user: { id: 7 } }, 7, "user.id"],
    ["a text in user", { user: "alice" }, "alice", "user"],
    ["an id of null, even beside other ids", { user: { id: null, username: "guest" } }, undefined],
    ["null in user and passport", { user: null, passport: null }, undefined],
    ["an anonymous session", {}, undefined],
    // Objects by their JSON form.
    ["a Mongoose document", { user: new User({ _id: HEX, name: "alice" }) }, HEX, "user._id"],
    ["a Mongoose document of passport's", { passport: { user: new User({ _id: HEX }) } }, HEX, "passport.user._id"],
    ["a Mongoose document with its own JSON", { user: new PublicUser({ _id: HEX }) }, HEX, "user.id"],
    ["a Sequelize instance", { user: Row.build({ id: 7 }) }, 7, "user.id"],
    ["a document of the MongoDB driver", { user: { _id: objectId, name: "alice" } }, HEX, "user._id"],
    ["an ObjectId in userId", { userId: objectId }, HEX, "userId"],
    ["an ObjectId in passport.user", { passport: { user: objectId } }, HEX, "passport.user"],
    [
      "a getter of a class, which JSON has not",
      {
        user: new (class {
          name = "alice";
          get id() {
            return this.name;
          }
        })(),
      },
      undefined,
    ],
    ["user.userId", { user: { userId: 7 } }, 7, "user.userId"],
    ["user.user_id", { user: { user_id: 7 } }, 7, "user.user_id"],
    ["user.uid", { user: { uid: 7 } }, 7, "user.uid"],
    ["user.username", { user: { username: "admin", is_admin: true } }, "admin", "user.username"],
    ["id before the others", { user: { username: "alice", uid: 1, _id: "b", id: "a" } }, "a", "user.id"],
    ["an object in userId", { userId: { id: 7 } }, 7, "userId.id"],
    // Further keys.
    ["user_id", { user_id: 5, uid: 6, username: "alice" }, 5, "user_id"],
    ["uid", { uid: 6, username: "alice" }, 6, "uid"],
    ["username", { username: "alice" }, "alice", "username"],
    ["a username that stays behind in a logged-out session", { userId: null, username: "alice" }, undefined],
    ["a username beside passport's empty record", { passport: {}, username: "alice" }, undefined],
    ["a username beside a uid of null", { uid: null, username: "alice" }, undefined],
    // Guests.
    ["user: false", { user: false, cart: 1 }, undefined],
    ["user: true", { user: true }, undefined],
    ["user: {}", { user: {}, cart: 1 }, undefined],
    ["a guest's cart", { user: { cart: [1] } }, undefined],
    ["user: []", { user: [] }, undefined],
    ["an e-mail address alone", { user: { email: "a@example.com" } }, undefined],
    ["an id that is an object", { user: { id: Buffer.from("a"), username: "alice" } }, undefined],
    ["an id of false", { user: { id: false, username: "guest" } }, undefined],
    ["passport: {}", { passport: {}, views: 1 }, undefined],
    ["passport: true", { passport: true }, undefined],
    ["NaN", { userId: Number.NaN }, undefined],
  ];

  it.each(SESSIONS.map(([name, session, userId, key = "none"]) => [name, session, userId, key] as const))(
    "is the same before and after the session is stored: %s",
    (_name, session, userId, key) => {
      const found = [session, stored(session)].map((each) => toUserId(defaultUserId(each)));
      const expected = toUserId(userId);
      expect(found).toEqual([expected, expected]);
      expect([session, stored(session)].map((each) => findDefaultUserId(each)?.key ?? "none")).toEqual([key, key]);
    },
  );

  it("leaves strings and numbers as they are", () => {
    expect([defaultUserId({ userId: 7 }), defaultUserId({ user: { id: "x" } })]).toEqual([7, "x"]);
  });

  it("refuses a bigint, which JSON cannot store, unless the app says how", () => {
    expect(() => toUserId(defaultUserId({ userId: 7n }))).toThrow("not a bigint:");
    const toJSON = (value: bigint): string => String(value);
    Object.defineProperty(BigInt.prototype, "toJSON", {
      value(this: bigint) {
        return toJSON(this);
      },
      configurable: true,
    });
    try {
      expect([defaultUserId({ user: { id: 7n } }), defaultUserId({ userId: 7n })]).toEqual(["7", "7"]);
    } finally {
      Reflect.deleteProperty(BigInt.prototype, "toJSON");
    }
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
    [false, undefined],
    [{ toJSON: () => HEX }, HEX],
  ])("of %j is %j", (value, userId) => {
    expect(toUserId(value)).toBe(userId);
  });

  it.each([
    Number.NaN,
    Number.POSITIVE_INFINITY,
    true,
    { toJSON: () => "" },
    { toJSON: () => 7 },
    {},
    [],
    { name: "alice" },
    Symbol("alice"),
    7n,
    () => "alice",
  ])("is never a value that could be mistaken for another user's: %p", (value) => {
    expect(() => toUserId(value)).toThrow(expect.objectContaining({ code: "ERR_USER_ID_INVALID" }));
  });

  it.each([
    [{}, "not an object:"],
    [true, "not a boolean:"],
  ])("causes an error that describes the value: %j", (value, words) => {
    expect(() => toUserId(value)).toThrow(words);
  });
});
