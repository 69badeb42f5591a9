import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { RedisNews, type NewsOptions } from "../../lib/registry/redis/news.js";
import { Heard } from "../support/heard.js";

const CHECK_EVERY_MS = 5_000;

/** Where a message comes to nobody while `isDead`, as on a connection that has gone without saying so. */
class Channel {
  isDead = false;
  isBusy = false;
  renewed = 0;
  #hear: ((channel: string, text: string) => void) | undefined;

  readonly subscribe: NewsOptions["subscribe"] = (_channels, on) => {
    this.#hear = (channel, text) => {
      on.message(channel, text);
    };
    return {
      renew: () => {
        this.renewed += 1;
      },
      close: () => Promise.resolve(),
    };
  };

  hear(channel: string, text: string): void {
    this.#hear?.(channel, text);
  }

  readonly publish = async (channel: string, text: string): Promise<void> => {
    if (this.isBusy) await new Promise(() => undefined);
    await Promise.resolve();
    if (!this.isDead) this.hear(channel, text);
  };
}

describe("the news of Redis", () => {
  let channel: Channel;
  let heard: Heard;
  let news: RedisNews;
  beforeEach(() => {
    jest.useFakeTimers();
    channel = new Channel();
    heard = new Heard();
    const { subscribe, publish } = channel;
    const more = { channel: "news", checkEveryMs: CHECK_EVERY_MS, mayLoseMessages: false };
    news = new RedisNews({ ...more, listener: heard, subscribe, publish });
  });
  afterEach(async () => {
    await news.close();
    jest.useRealTimers();
  });

  it("keep a connection over which they arrive", async () => {
    await jest.advanceTimersByTimeAsync(20 * CHECK_EVERY_MS);
    expect([heard.isListening, channel.renewed]).toEqual([true, 0]);
  });

  it("keep their connection while nothing can be said, as when Redis is busy or away", async () => {
    channel.isBusy = true;
    await jest.advanceTimersByTimeAsync(20 * CHECK_EVERY_MS);
    expect([heard.isListening, channel.renewed]).toEqual([false, 0]);
  });

  it("keep a connection over which anything arrives", async () => {
    channel.isDead = true;
    for (let times = 0; times < 40; times += 1) {
      await jest.advanceTimersByTimeAsync(CHECK_EVERY_MS / 2);
      channel.hear("news", '["alice","","login"]');
    }
    expect([heard.isListening, channel.renewed]).toEqual([false, 0]);
  });

  it("take another connection soon after one is dead, and again where that one is", async () => {
    await jest.advanceTimersByTimeAsync(CHECK_EVERY_MS / 2);
    channel.isDead = true;
    await jest.advanceTimersByTimeAsync(2 * CHECK_EVERY_MS);
    expect([heard.isListening, channel.renewed]).toEqual([false, 0]);
    await jest.advanceTimersByTimeAsync(CHECK_EVERY_MS);
    expect([heard.isListening, channel.renewed]).toEqual([false, 1]);
    await jest.advanceTimersByTimeAsync(6 * CHECK_EVERY_MS);
    const { renewed } = channel;
    expect(renewed).toBeGreaterThan(1);
    channel.isDead = false;
    await jest.advanceTimersByTimeAsync(2 * CHECK_EVERY_MS);
    expect(heard.isListening).toBe(true);
    await jest.advanceTimersByTimeAsync(20 * CHECK_EVERY_MS);
    expect(channel.renewed - renewed).toBeLessThanOrEqual(1);
  });

  it("say once that they arrive, and once that they do not", async () => {
    await jest.advanceTimersByTimeAsync(20 * CHECK_EVERY_MS);
    expect(heard.looks).toBe(1);
    channel.isDead = true;
    await jest.advanceTimersByTimeAsync(20 * CHECK_EVERY_MS);
    channel.isDead = false;
    await jest.advanceTimersByTimeAsync(CHECK_EVERY_MS);
    expect(heard.looks).toBe(2);
  });
});
