import { describe, expect, it } from "@jest/globals";
import {
  hasOwnKey,
  tombstoneOf,
  tombstoneSession,
  stampOf,
  withCookie,
  withStamp,
  type SessionRecord,
  type Tombstone,
} from "../../lib/session/stamp.js";

const stamp = { userId: "alice", loginId: "login", generation: "" };
const stamped = (value: unknown) => ({ cookie: {}, expressLogout: value });

describe("the stamp of a session", () => {
  it("is read as written", () => {
    const userIds = ["alice", "alice b", " ", "7", "12 ", "\ud800", "ä€😀"];
    const generations = ["", "user.app", "user app", "0 7 ", "😀"];
    for (const userId of userIds) {
      for (const generation of generations) {
        const each = { ...stamp, userId, generation };
        for (const authenticatedAt of [undefined, 1, 1_764_000_000_000, 1_999_999_999_999]) {
          const stored = JSON.stringify(withStamp({ cookie: {} }, { ...each, authenticatedAt }));
          expect(stampOf(JSON.parse(stored) as SessionRecord)).toEqual({ ...each, authenticatedAt });
        }
      }
    }
  });

  it.each([
    undefined,
    null,
    7,
    {},
    { userId: "alice", loginId: "login", generation: "" },
    "",
    "login",
    "login alice",
    "login 0",
    "login 0 ",
    "login 5 alice",
    "login 6 alice",
    "login -1 alice",
    "login generation alice",
    " 0 alice",
  ])("is undefined for %j", (value) => {
    expect(stampOf(stamped(value))).toBeUndefined();
  });

  it.each(["0", "", "-1", "1e3", "1.5", "1764000000000000", " 1", "x"])("has no time for %j", (time) => {
    expect(stampOf(stamped(`login 0.${time} alice`))?.authenticatedAt).toBeUndefined();
  });

  it("has its time where 0.1 reads a length, and ignores the decimals", () => {
    const { expressLogout } = withStamp(
      { cookie: {} },
      { ...stamp, generation: "user app", authenticatedAt: 1_999_999_999_999 },
    );
    expect(expressLogout).toBe("login 8.1999999999999 user appalice");
    const text = String(expressLogout);
    const end = text.indexOf("user") + Number(text.slice(text.indexOf(" ") + 1, text.indexOf(" user")));
    expect([text.slice(text.indexOf("user"), end), text.slice(end)]).toEqual(["user app", "alice"]);
  });

  it("names the keys that its login is bound to, in the same decimals", () => {
    const bound = { checksum: "0123456789", until: 1_764_000_000_000 };
    for (const authenticatedAt of [undefined, 1, 1_999_999_999_999]) {
      const each = { ...stamp, generation: "user app", authenticatedAt, bound };
      const session = withStamp({ cookie: {} }, each);
      expect(stampOf(session)).toEqual(each);
      const text = String(session["expressLogout"]);
      const length = text.slice(text.indexOf(" ") + 1, text.indexOf(" user"));
      // As 0.1 reads it.
      expect(text.slice(text.indexOf("user")).slice(0, Number(length))).toBe("user app");
      expect(withStamp(session, each)).toBe(session);
      expect(withStamp(session, { ...each, bound: { ...bound, checksum: "9876543210" } })).not.toBe(session);
      expect(stampOf(withStamp(session, { ...each, bound: undefined }))?.bound).toBeUndefined();
    }
  });

  it("is read as written also if its session never expires", () => {
    const bound = { checksum: "0123456789", until: 253_402_300_000_000 };
    const read = stampOf(withStamp({ cookie: {} }, { ...stamp, authenticatedAt: 5, bound }));
    expect(read).toMatchObject({ authenticatedAt: 5, bound: { checksum: "0123456789" } });
    expect(read?.bound?.until).toBe(99_999_999 * 60_000);
  });

  it("is written again if its time is another one", () => {
    const session = withStamp({ cookie: {} }, { ...stamp, authenticatedAt: 5 });
    expect(withStamp(session, { ...stamp, authenticatedAt: 5 })).toBe(session);
    expect(withStamp(session, stamp)).toEqual({ cookie: {}, expressLogout: "login 0 alice" });
    expect(stampOf(withStamp(session, { ...stamp, authenticatedAt: 6 }))?.authenticatedAt).toBe(6);
  });

  it("is added to a copy of the session, of the same class, with all its data", () => {
    class Session {
      cookie = {};
    }
    const session = Object.defineProperty(new Session(), "req", { value: "request", enumerable: false });
    const copy = withStamp(session as never, stamp);
    expect(session).not.toHaveProperty("expressLogout");
    expect(copy).toBeInstanceOf(Session);
    expect(Object.getOwnPropertyDescriptor(copy, "req")).toEqual(Object.getOwnPropertyDescriptor(session, "req"));
    expect(JSON.stringify(copy)).toBe('{"cookie":{},"expressLogout":"login 0 alice"}');
  });

  it("needs no copy if the session already has the same stamp, or none", () => {
    const [anonymous, session] = [{ cookie: {} }, withStamp({ cookie: {} }, stamp)];
    expect(withStamp(anonymous, undefined)).toBe(anonymous);
    expect(withStamp(session, { ...stamp })).toBe(session);
    expect(withStamp(session, { ...stamp, loginId: "another" })).not.toBe(session);
  });

  it("is removed in any form", () => {
    for (const session of [withStamp({ cookie: {} }, stamp), stamped(null), stamped("odd")]) {
      expect(withStamp(session, undefined)).toStrictEqual({ cookie: {} });
    }
  });

  it("marks a session, like everything that this package writes", () => {
    expect([{ cookie: {} }, stamped({}), stamped(null)].map(hasOwnKey)).toEqual([false, true, true]);
  });
});

describe("a session that was read and is written back", () => {
  it("keeps the lifetime of its cookie for every store: as a date, and as maxAge", () => {
    const expires = new Date(Date.now() + 60_000);
    const read = JSON.parse(
      JSON.stringify({ cookie: { originalMaxAge: 60_000, expires }, visits: 1 }),
    ) as SessionRecord;
    const { cookie } = withCookie(read) as { cookie: { expires: unknown; maxAge: number } };
    expect(cookie.expires).toEqual(expires);
    expect(Math.abs(cookie.maxAge - 60_000)).toBeLessThan(1_000);
    expect(JSON.parse(JSON.stringify(withCookie(read)))).toEqual(read);
  });

  it.each([{}, { cookie: { expires: null } }, { cookie: { expires: new Date() } }, { cookie: { expires: "soon" } }])(
    "is unchanged if its cookie has no such text: %j",
    (session) => {
      expect(withCookie(session)).toBe(session);
    },
  );
});

describe("the tombstone of a kick", () => {
  const tombstone: Tombstone = { loginId: "login", at: 1_700_000_000_000, cause: "kick", reason: "because" };

  it("is read as written, and is not a stamp", () => {
    const session = tombstoneSession(tombstone, new Date(Date.now() + 60_000));
    expect([tombstoneOf(session), stampOf(session)]).toEqual([tombstone, undefined]);
  });

  it("is in a session with the given lifetime, hidden from scripts of the browser", () => {
    const expires = new Date(Date.now() + 60_000);
    const { cookie } = tombstoneSession(tombstone, expires) as { cookie: { maxAge: number; originalMaxAge: number } };
    expect(cookie).toMatchObject({ expires, httpOnly: true, path: "/" });
    expect(Object.keys(cookie)).not.toContain("maxAge");
    for (const ms of [cookie.maxAge, cookie.originalMaxAge]) {
      expect(ms).toBeGreaterThan(50_000);
      expect(ms).toBeLessThanOrEqual(60_000);
    }
  });

  it("needs no reason", () => {
    expect(tombstoneOf(stamped({ kicked: { loginId: "login", at: 1, reason: 7 } }))).toEqual({
      loginId: "login",
      at: 1,
      cause: "kick",
    });
  });

  it("names a limit or a lifetime as the cause; a kick is not written, as in 0.1", () => {
    const soon = new Date(Date.now() + 60_000);
    for (const cause of ["limit", "lifetime"] as const) {
      expect(tombstoneOf(tombstoneSession({ ...tombstone, cause }, soon))).toEqual({ ...tombstone, cause });
    }
    expect(JSON.stringify(tombstoneSession(tombstone, soon))).not.toContain('"cause"');
    expect(tombstoneOf(stamped({ kicked: { loginId: "login", at: 1, cause: "odd" } }))).toMatchObject({
      cause: "kick",
    });
  });

  it.each([undefined, null, "kicked", {}, { kicked: null }, { kicked: { loginId: "a" } }, { kicked: { at: 1 } }])(
    "is undefined for %j",
    (value) => {
      expect(tombstoneOf(stamped(value))).toBeUndefined();
    },
  );
});
