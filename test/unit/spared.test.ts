import { describe, expect, it } from "@jest/globals";
import { kicksOn, sparedBy, type SparedLogins } from "../../lib/registry/spared.js";
import type { KickRecord } from "../../lib/types/login.js";

const kickOf = (id: string): KickRecord => ({ id, at: new Date(0), cause: "kick" });
const everyone = (id: string) => ({ kick: kickOf(id), everyone: true });

describe("the logins that a kick has spared", () => {
  const after = (kicks: readonly string[]): SparedLogins | undefined =>
    kicks.reduce<SparedLogins | undefined>((before, id) => sparedBy(everyone(id), ["login"], before), undefined);

  it("have the last eight kicks of everyone that spared them, newest first, each once", () => {
    const ids = Array.from({ length: 10 }, (_each, number) => String(number));
    expect(after(ids)?.get("login")).toEqual(["9", "8", "7", "6", "5", "4", "3", "2"]);
    expect(after(["a", "b", "b", "b", "a"])?.get("login")).toEqual(["a", "b"]);
  });

  it("stay spared from earlier kicks of everyone, and from no other user's kick", () => {
    expect(sparedBy({ kick: kickOf("b") }, ["login", "other"], after(["a"]))).toEqual(
      new Map([
        ["login", ["a"]],
        ["other", []],
      ]),
    );
    expect(sparedBy(everyone("b"), [], after(["a"]))).toEqual(new Map());
  });

  it("are those on which a kick of the user, or of everyone, does not count", () => {
    const [user, all] = [kickOf("user"), kickOf("all")];
    expect(kicksOn("login", undefined, user, all)).toEqual([user, all]);
    expect(kicksOn("other", after(["all"]), user, all)).toEqual([user, all]);
    expect(kicksOn("login", after(["all"]), user, all)).toEqual([undefined, undefined]);
    expect(kicksOn("login", after(["an earlier one"]), user, all)).toEqual([undefined, all]);
    expect(kicksOn("login", after(["all"]), user, undefined)).toEqual([undefined, undefined]);
  });
});
