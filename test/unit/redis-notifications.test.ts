import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { RedisNotifications, type RedisNotificationsOptions } from "../../lib/registry/redis/notifications.js";
import type { RegistryListener } from "../../lib/registry/index.js";
import { Heard } from "../support/heard.js";

const CHECK_EVERY_MS = 5_000;

/** A channel that drops every message while `isDead`, as a connection does that has died without an event. */
class Channel {
  isDead = false;
  isBusy = false;
  renewed = 0;
  readonly sent: string[] = [];
  own = "";
  interrupt = (): void => undefined;
  #onMessage: ((channel: string, text: string) => void) | undefined;

  readonly subscribe: RedisNotificationsOptions["subscribe"] = ([, own = ""], on) => {
    this.own = own;
    this.interrupt = () => {
      on.interrupted();
    };
    this.#onMessage = (channel, text) => {
      on.message(channel, text);
    };
    return {
      renew: () => {
        this.renewed += 1;
      },
      close: () => Promise.resolve(),
    };
  };

  deliver(channel: string, text: string): void {
    this.#onMessage?.(channel, text);
  }

  readonly publish = async (channel: string, text: string): Promise<void> => {
    this.sent.push(text);
    if (this.isBusy) await new Promise(() => undefined);
    await Promise.resolve();
    if (!this.isDead) this.deliver(channel, text);
  };
}

/** Returns a listener that ignores the other reports. */
function listenerOf(some: Partial<RegistryListener>): RegistryListener {
  const ignored = { ended: () => undefined, connected: () => undefined, disconnected: () => undefined };
  return { ...ignored, gap: () => undefined, ...some };
}

describe("notifications of Redis", () => {
  let channel: Channel;
  let heard: Heard;
  let notifications: RedisNotifications;
  beforeEach(() => {
    jest.useFakeTimers();
    heard = new Heard();
    notifications = open();
  });
  /** Opens notifications over a new channel. */
  const open = (more: Partial<RedisNotificationsOptions> = {}): RedisNotifications => {
    channel = new Channel();
    const { subscribe, publish } = channel;
    const options = { channel: "news", checkIntervalMs: CHECK_EVERY_MS, mayLoseMessages: false, listener: heard };
    return new RedisNotifications({ ...options, subscribe, publish, ...more });
  };
  afterEach(async () => {
    await notifications.close();
    jest.useRealTimers();
  });

  it("keep a connection over which pings arrive", async () => {
    await jest.advanceTimersByTimeAsync(20 * CHECK_EVERY_MS);
    expect([heard.isListening, channel.renewed]).toEqual([true, 0]);
  });

  it("keep their connection while pings cannot be sent, as in an outage", async () => {
    channel.isBusy = true;
    await jest.advanceTimersByTimeAsync(20 * CHECK_EVERY_MS);
    expect([heard.isListening, channel.renewed]).toEqual([false, 0]);
  });

  it("keep a connection over which anything arrives", async () => {
    channel.isDead = true;
    for (let times = 0; times < 40; times += 1) {
      await jest.advanceTimersByTimeAsync(CHECK_EVERY_MS / 2);
      channel.deliver("news", '["alice","","login"]');
    }
    expect([heard.isListening, channel.renewed]).toEqual([false, 0]);
  });

  it("replace a dead connection soon, and again if the next one is dead", async () => {
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

  it("report once that they are connected, and once that they are not", async () => {
    await jest.advanceTimersByTimeAsync(20 * CHECK_EVERY_MS);
    expect(heard.looks).toBe(1);
    channel.isDead = true;
    await jest.advanceTimersByTimeAsync(20 * CHECK_EVERY_MS);
    channel.isDead = false;
    await jest.advanceTimersByTimeAsync(CHECK_EVERY_MS);
    expect(heard.looks).toBe(2);
  });

  it("are disconnected after a reconnection, until a new ping arrives", async () => {
    await jest.advanceTimersByTimeAsync(CHECK_EVERY_MS / 2);
    const [before = ""] = channel.sent.slice(-1);
    channel.isDead = true;
    channel.interrupt();
    expect(heard.isListening).toBe(false);
    // A ping from before the reconnection may arrive late. It proves nothing about messages since.
    channel.deliver(channel.own, before);
    expect(heard.isListening).toBe(false);
    channel.isDead = false;
    await jest.advanceTimersByTimeAsync(200);
    expect([heard.isListening, heard.looks]).toEqual([true, 2]);
  });

  it("report a disconnection once, however often the connection is lost", async () => {
    const states: boolean[] = [];
    const listener = listenerOf({ connected: () => states.push(true), disconnected: () => states.push(false) });
    const noting = open({ listener });
    await jest.advanceTimersByTimeAsync(CHECK_EVERY_MS);
    channel.isDead = true;
    for (let times = 0; times < 3; times += 1) channel.interrupt();
    await jest.advanceTimersByTimeAsync(3 * CHECK_EVERY_MS);
    await noting.close();
    expect(states).toEqual([true, false]);
  });

  it("ask for a lookup regularly where messages may be lost unnoticed, and only there", async () => {
    const careful = new Heard();
    const inCluster = open({ mayLoseMessages: true, listener: careful });
    await jest.advanceTimersByTimeAsync(23.5 * CHECK_EVERY_MS);
    expect(careful.looks).toBe(2);
    await jest.advanceTimersByTimeAsync(2 * CHECK_EVERY_MS);
    expect([careful.looks, heard.looks]).toEqual([3, 1]);
    await inCluster.close();
  });

  it("end when they are closed, also from within the listener", async () => {
    await jest.advanceTimersByTimeAsync(CHECK_EVERY_MS / 2);
    await notifications.close();
    const sent = channel.sent.length;
    channel.interrupt();
    channel.deliver("news", '["alice","","login"]');
    channel.deliver("news", "*");
    await jest.advanceTimersByTimeAsync(3 * CHECK_EVERY_MS);
    expect([channel.sent.length, heard.news, heard.isListening, heard.looks]).toEqual([sent, [], true, 1]);

    const closing = open({ listener: listenerOf({ disconnected: () => void closing.close() }) });
    await jest.advanceTimersByTimeAsync(CHECK_EVERY_MS / 2);
    const before = channel.sent.length;
    channel.interrupt();
    await jest.advanceTimersByTimeAsync(3 * CHECK_EVERY_MS);
    expect(channel.sent.length).toBeLessThanOrEqual(before + 1);
  });
});
