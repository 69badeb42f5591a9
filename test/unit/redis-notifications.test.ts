import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { RedisNotifications, type RedisNotificationsOptions } from "../../lib/registry/redis/notifications.js";
import { Heard } from "../support/heard.js";

const CHECK_EVERY_MS = 5_000;

/** Where a message comes to nobody while `isDead`, as on a connection that has gone without saying so. */
class Channel {
  isDead = false;
  isBusy = false;
  renewed = 0;
  readonly said: string[] = [];
  own = "";
  interrupt = (): void => undefined;
  #hear: ((channel: string, text: string) => void) | undefined;

  readonly subscribe: RedisNotificationsOptions["subscribe"] = ([, own = ""], on) => {
    this.own = own;
    this.interrupt = () => {
      on.interrupted();
    };
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
    this.said.push(text);
    if (this.isBusy) await new Promise(() => undefined);
    await Promise.resolve();
    if (!this.isDead) this.hear(channel, text);
  };
}

describe("the news of Redis", () => {
  let channel: Channel;
  let heard: Heard;
  let news: RedisNotifications;
  beforeEach(() => {
    jest.useFakeTimers();
    heard = new Heard();
    news = open();
  });
  /** Each over a channel of its own. */
  const open = (more: Partial<RedisNotificationsOptions> = {}): RedisNotifications => {
    channel = new Channel();
    const { subscribe, publish } = channel;
    const options = { channel: "news", checkIntervalMs: CHECK_EVERY_MS, mayLoseMessages: false, listener: heard };
    return new RedisNotifications({ ...options, subscribe, publish, ...more });
  };
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

  it("do not arrive while the connection is another one, until it is known that they do", async () => {
    await jest.advanceTimersByTimeAsync(CHECK_EVERY_MS / 2);
    const [before = ""] = channel.said.slice(-1);
    channel.isDead = true;
    channel.interrupt();
    expect(heard.isListening).toBe(false);
    // What was said before may come late: it says nothing of what was missed since.
    channel.hear(channel.own, before);
    expect(heard.isListening).toBe(false);
    channel.isDead = false;
    await jest.advanceTimersByTimeAsync(200);
    expect([heard.isListening, heard.looks]).toEqual([true, 2]);
  });

  it("are told to be missing once, however often the connection is lost", async () => {
    const states: boolean[] = [];
    const noting = open({ listener: { ended: () => undefined, listening: (state) => states.push(state) } });
    await jest.advanceTimersByTimeAsync(CHECK_EVERY_MS);
    channel.isDead = true;
    for (let times = 0; times < 3; times += 1) channel.interrupt();
    await jest.advanceTimersByTimeAsync(3 * CHECK_EVERY_MS);
    await noting.close();
    expect(states).toEqual([true, false]);
  });

  it("ask to look at the list now and then where one may be lost unnoticed, and only there", async () => {
    const careful = new Heard();
    const inCluster = open({ mayLoseMessages: true, listener: careful });
    await jest.advanceTimersByTimeAsync(23.5 * CHECK_EVERY_MS);
    expect(careful.looks).toBe(2);
    await jest.advanceTimersByTimeAsync(2 * CHECK_EVERY_MS);
    expect([careful.looks, heard.looks]).toEqual([3, 1]);
    await inCluster.close();
  });

  it("are over when they are closed, also by who is just told something", async () => {
    await jest.advanceTimersByTimeAsync(CHECK_EVERY_MS / 2);
    await news.close();
    const said = channel.said.length;
    channel.interrupt();
    channel.hear("news", '["alice","","login"]');
    channel.hear("news", "*");
    await jest.advanceTimersByTimeAsync(3 * CHECK_EVERY_MS);
    expect([channel.said.length, heard.news, heard.isListening, heard.looks]).toEqual([said, [], true, 1]);

    const closing = open({
      listener: {
        ended: () => undefined,
        listening: (isListening) => {
          if (!isListening) void closing.close();
        },
      },
    });
    await jest.advanceTimersByTimeAsync(CHECK_EVERY_MS / 2);
    const before = channel.said.length;
    channel.interrupt();
    await jest.advanceTimersByTimeAsync(3 * CHECK_EVERY_MS);
    expect(channel.said.length).toBeLessThanOrEqual(before + 1);
  });
});
