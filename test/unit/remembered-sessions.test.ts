import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { RememberedSessions } from "../../lib/session/rules/remembered-sessions.js";
import type { Stamp } from "../../lib/session/stamp.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const stamp = (loginId: string): Stamp => ({ userId: "alice", loginId, generation: "" });
const [one, two] = [stamp("one"), stamp("two")];

let remembered: RememberedSessions;
beforeEach(() => {
  jest.useFakeTimers({ now: 1_700_000_000_000, doNotFake: ["performance"] });
  remembered = new RememberedSessions();
});
afterEach(() => {
  jest.useRealTimers();
});
const wait = (ms: number): void => {
  jest.setSystemTime(Date.now() + ms);
};

describe("the user of a session", () => {
  it("is unknown for an unseen or a forgotten session", () => {
    remembered.forget("sid");
    expect([remembered.likely("sid"), remembered.logins("sid")]).toEqual([undefined, []]);
  });

  it("is the last user seen, until they have left the session", () => {
    remembered.seen("sid", one);
    expect(remembered.likely("sid")).toBe(one);
    remembered.seen("sid", two);
    expect([remembered.likely("sid"), remembered.likely("another")]).toEqual([two, undefined]);
    remembered.forget("sid");
    expect([remembered.likely("sid"), remembered.logins("sid")]).toEqual([undefined, [one, two]]);
    remembered.seen("sid", two);
    expect([remembered.likely("sid"), remembered.logins("sid")]).toEqual([two, [one, two]]);
  });

  it("has a history of up to eight logins, each once, the latest last", () => {
    for (const id of ["one", "two", "one", "one"]) remembered.seen("sid", stamp(id));
    expect(remembered.logins("sid")).toEqual([two, one]);
    for (let more = 1; more <= 8; more += 1) remembered.seen("sid", stamp(`more-${String(more)}`));
    expect(remembered.logins("sid").map(({ loginId }) => loginId)).toEqual(
      Array.from({ length: 8 }, (_value, index) => `more-${String(index + 1)}`),
    );
  });
});

describe("the presence of a session in the store", () => {
  it("is known once the session was read or written", () => {
    expect(remembered.isWritten("sid")).toBe(false);
    remembered.seen("sid", one);
    expect(remembered.isWritten("sid")).toBe(true);
  });

  it("is unknown before the first write, even if the login was active", () => {
    remembered.expected("sid", one);
    remembered.recorded("sid", one, Date.now(), HOUR);
    expect([remembered.likely("sid"), remembered.isWritten("sid")]).toEqual([one, false]);
    remembered.seen("sid", one);
    remembered.recorded("sid", one, Date.now(), HOUR);
    expect(remembered.isWritten("sid")).toBe(true);
  });

  it("is unknown for a session that another login is about to take over", () => {
    remembered.seen("sid", one);
    remembered.expected("sid", two);
    expect(remembered.isWritten("sid")).toBe(false);
  });
});

describe("the registry", () => {
  it("is updated for a new login", () => {
    expect(remembered.isDue("sid", one, HOUR)).toBe(true);
    remembered.seen("sid", one);
    expect(remembered.isDue("sid", one, HOUR)).toBe(true);
    remembered.recorded("sid", one, Date.now(), HOUR + MINUTE);
    expect([remembered.isDue("sid", one, HOUR), remembered.isDue("sid", two, HOUR)]).toEqual([false, true]);
  });

  it("is updated again once a minute, however often the login is seen", () => {
    remembered.recorded("sid", one, Date.now(), HOUR + MINUTE);
    wait(MINUTE - 1);
    remembered.seen("sid", one);
    expect(remembered.isDue("sid", one, HOUR)).toBe(false);
    wait(1);
    expect(remembered.isDue("sid", one, HOUR)).toBe(true);
  });

  it("is updated earlier if the session lives longer than recorded", () => {
    remembered.recorded("sid", one, Date.now(), HOUR);
    expect([remembered.isDue("sid", one, HOUR), remembered.isDue("sid", one, HOUR + 1)]).toEqual([false, true]);
  });

  it("is updated earlier if the session lives shorter than recorded by more than an interval", () => {
    remembered.recorded("sid", one, Date.now(), HOUR + MINUTE);
    const isDue = (ttlMs: number): boolean => remembered.isDue("sid", one, ttlMs);
    expect([HOUR, HOUR - MINUTE, HOUR - MINUTE - 1].map(isDue)).toEqual([false, false, true]);
  });

  it("is updated when a login takes a session over, or returns", () => {
    remembered.recorded("sid", one, Date.now(), 2 * HOUR);
    remembered.seen("sid", two);
    expect(remembered.isDue("sid", two, HOUR)).toBe(true);
    remembered.recorded("sid", two, Date.now(), 2 * HOUR);
    remembered.forget("sid");
    remembered.seen("sid", two);
    expect(remembered.isDue("sid", two, HOUR)).toBe(true);
  });
});

describe("the store", () => {
  it("is touched for a new session", () => {
    expect(remembered.isTouchDue("sid", HOUR, MINUTE)).toBe(true);
    remembered.touched("sid", Date.now(), HOUR);
    expect([remembered.isTouchDue("sid", HOUR, MINUTE), remembered.isTouchDue("another", HOUR, MINUTE)]).toEqual([
      false,
      true,
    ]);
  });

  it.each([
    ["after the interval", HOUR, MINUTE, MINUTE],
    ["after a tenth of the session's lifetime", MINUTE, HOUR, 6 * SECOND],
  ])("is touched again %s", (_how, ttlMs, intervalMs, afterMs) => {
    remembered.touched("sid", Date.now(), ttlMs);
    wait(afterMs - 1);
    expect(remembered.isTouchDue("sid", ttlMs, intervalMs)).toBe(false);
    wait(1);
    expect(remembered.isTouchDue("sid", ttlMs, intervalMs)).toBe(true);
  });

  it("is touched earlier if the session lives much longer, or shorter", () => {
    remembered.touched("sid", Date.now(), HOUR);
    const isDue = (ttlMs: number): boolean => remembered.isTouchDue("sid", ttlMs, MINUTE);
    expect([HOUR - 1, HOUR, HOUR + MINUTE, HOUR + MINUTE + 1].map(isDue)).toEqual([true, false, false, true]);
  });
});

describe("an emptied store", () => {
  it("leaves nothing to remember", () => {
    remembered.recorded("sid", one, Date.now(), 2 * HOUR);
    remembered.touched("sid", Date.now(), HOUR);
    remembered.clear();
    expect([remembered.likely("sid"), remembered.logins("sid")]).toEqual([undefined, []]);
    expect([remembered.isDue("sid", one, HOUR), remembered.isTouchDue("sid", HOUR, MINUTE)]).toEqual([true, true]);
  });
});
