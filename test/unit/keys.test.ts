import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import keySlot from "cluster-key-slot";
import {
  appKeys,
  decodePart,
  encodePart,
  externalKeys,
  shardKeys,
  shardOf,
  userKeys,
} from "../../lib/registry/redis/keys.js";

const anyText = fc.string({ unit: fc.nat(0xffff).map((code) => String.fromCharCode(code)) });

describe("the parts of a key", () => {
  it("are decoded to the original text", () => {
    fc.assert(fc.property(anyText, (text) => decodePart(encodePart(text)) === text));
  });

  it("hold nothing that could split a hash tag or meet another part", () => {
    fc.assert(fc.property(anyText, (text) => /^[\w.!~*'()%-]*$/.test(encodePart(text))));
  });

  it("are never the same for two users", () => {
    fc.assert(
      fc.property(anyText, anyText, anyText, anyText, (app, user, otherApp, otherUser) => {
        fc.pre(app !== otherApp || user !== otherUser);
        return userKeys(appKeys("p:", app), user).logins !== userKeys(appKeys("p:", otherApp), otherUser).logins;
      }),
    );
  });
});

describe("the keys", () => {
  it("of one user share one hash tag", () => {
    expect(userKeys(appKeys("express-logout:", "shop"), "{a}:b")).toEqual({
      logins: "express-logout:{shop:%7Ba%7D%3Ab}:logins",
      ended: "express-logout:{shop:%7Ba%7D%3Ab}:ended",
      kicked: "express-logout:{shop:%7Ba%7D%3Ab}:kicked",
      order: "express-logout:{shop:%7Ba%7D%3Ab}:order",
    });
  });

  it("of an application are no user's", () => {
    const names = ["active", "expiry", "everyone", "shards", "history", "news"];
    const { users, external, shards, ...own } = appKeys("p:", "shop");
    expect(Object.values(own)).toEqual(names.map((name) => `p:{shop}:${name}`));
    expect([users, external, shards]).toEqual(["p:{shop:", "p:{shop/", "p:{shop#"]);
  });

  it("of a shard share one hash tag, and are no user's; those of the first are the application's", () => {
    const keys = appKeys("p:", "shop#1");
    expect(shardKeys(keys, 0)).toMatchObject({ active: "p:{shop%231}:active", expiry: "p:{shop%231}:expiry" });
    const { active, expiry, everyone } = shardKeys(keys, 12);
    const [tag = ""] = /\{.*\}/.exec(active) ?? [];
    expect(tag).toMatch(/^\{shop%231#12(\.\d+)?\}$/);
    expect([active, expiry, everyone]).toEqual(["active", "expiry", "everyone"].map((name) => `p:${tag}:${name}`));
    expect(keys.shards.startsWith(keys.users)).toBe(false);
  });

  it("of 16 shards are spread evenly over the slots, and stay where they are when there are more", () => {
    for (const app of ["shop", "b", "#"]) {
      const keys = appKeys("p:", app);
      const slots = (count: number) =>
        Array.from({ length: count }, (_, shard) => keySlot(shardKeys(keys, shard).active)).sort((a, b) => a - b);
      const gaps = slots(16).map((slot, place, all) => ((all[place + 1] ?? (all[0] ?? 0) + 16_384) - slot) / 1_024);
      expect(Math.min(...gaps)).toBeGreaterThan(0.9);
      expect(Math.max(...gaps)).toBeLessThan(1.1);
      expect(new Set(slots(1_024)).size).toBeGreaterThan(900);
    }
  });

  it("divide the users evenly among the shards", () => {
    const shards = Array.from({ length: 16_000 }, (_, user) => shardOf(`user-${String(user)}`, 16));
    const sizes = Array.from({ length: 16 }, (_, shard) => shards.filter((each) => each === shard).length);
    expect(Math.max(...sizes)).toBeLessThan(1_150);
    expect([shardOf("alice", 1), shardOf("alice", 16), shardOf("\ud800", 16) < 16]).toEqual([0, 7, true]);
  });

  it("of an external key share one hash tag, and are no user's", () => {
    const keys = appKeys("p:", "shop/a");
    expect(externalKeys(keys, "a-Z_9")).toEqual({ bound: "p:{shop%2Fa/a-Z_9}:bound", mark: "p:{shop%2Fa/a-Z_9}:mark" });
    expect(keys.external.startsWith(keys.users)).toBe(false);
    fc.assert(
      fc.property(anyText, anyText, anyText, anyText, (app, digest, otherApp, otherId) => {
        const own = Object.values(externalKeys(appKeys("p:", app), digest));
        const others = Object.values({ ...userKeys(appKeys("p:", otherApp), otherId), ...appKeys("p:", otherApp) });
        return own.every((key) => others.every((other) => key !== other));
      }),
    );
  });
});
