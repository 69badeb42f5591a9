import { afterAll, afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { adapterOf, type RedisAdapter } from "../../lib/registry/redis/clients/index.js";
import { RedisLoginRegistry } from "../../lib/registry/redis/index.js";
import { Heard } from "../support/heard.js";
import { CLIENTS, stopSharedServers } from "../support/redis-clients.js";
import { until } from "../support/redis-server.js";

// Servers that start and fail over while other suites run need more than the five seconds of a test.
jest.setTimeout(60_000);

let count = 0;
let channel: string;
beforeEach(() => {
  // In a Cluster a message may reach another node after the end of the test that published it.
  channel = `express-logout:{app-${String((count += 1))}}:ended`;
});

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(stopSharedServers);

function listen(adapter: RedisAdapter) {
  const heard: string[] = [];
  let interruptions = 0;
  const subscription = adapter.subscribe([channel], {
    message: (from, text) => heard.push(`${from} ${text}`),
    interrupted: () => {
      interruptions += 1;
    },
  });
  const close = (): Promise<void> => subscription.close();
  closing.push(close);
  return { heard, close, renew: () => subscription.renew(), interruptions: () => interruptions };
}

const publish = (adapter: RedisAdapter, text: string): Promise<unknown> =>
  adapter.send(channel, ["PUBLISH", channel, text], new AbortController().signal);

describe.each(CLIENTS.map((kind) => [kind.name, kind] as const))("listening on %s", (_name, kind) => {
  it("receives messages, and reports its start", async () => {
    const adapter = await adapterOn(kind);
    const { heard, interruptions } = listen(adapter);
    await until(() => Promise.resolve(interruptions() > 0), "the first connection");
    await publish(adapter, "one \ud83d\ude00");
    await publish(adapter, "two");
    await until(() => Promise.resolve(heard.length >= 2), "the messages");
    // The nodes of a Cluster forward messages in any order.
    expect(heard.sort()).toEqual([`${channel} one \ud83d\ude00`, `${channel} two`]);
  });

  it("reports a lost connection, and receives messages again afterwards", async () => {
    const adapter = await adapterOn(kind);
    const { heard, interruptions } = listen(adapter);
    await until(() => Promise.resolve(interruptions() > 0), "the first connection");
    const before = interruptions();
    for (const node of await kind.nodes()) await node.ask("CLIENT", "KILL", "TYPE", "pubsub");
    await until(() => Promise.resolve(interruptions() >= before + 2), "the loss and the next connection");
    await publish(adapter, "afterwards");
    await until(() => Promise.resolve(heard.length > 0), "the message");
    expect(heard).toEqual([`${channel} afterwards`]);
  });

  it("receives messages again over another connection after renew()", async () => {
    const adapter = await adapterOn(kind);
    const { heard, interruptions, renew } = listen(adapter);
    await until(() => Promise.resolve(interruptions() > 0), "the first connection");
    const before = interruptions();
    renew();
    await until(() => Promise.resolve(interruptions() >= before + 2), "the next connection");
    await publish(adapter, "afterwards");
    await until(() => Promise.resolve(heard.length > 0), "the message");
    expect(heard).toEqual([`${channel} afterwards`]);
  });

  it("hears nothing any more once it is closed, and keeps no connection", async () => {
    const adapter = await adapterOn(kind);
    const { heard, interruptions, close } = listen(adapter);
    await until(() => Promise.resolve(interruptions() > 0), "the first connection");
    await close();
    const before = interruptions();
    const subscribers = async (): Promise<boolean> => {
      const counts = (await kind.nodes()).map((node) => node.ask("PUBSUB", "NUMSUB", channel));
      return (await Promise.all(counts)).every((reply) => (reply as unknown[])[1] === 0);
    };
    await until(subscribers, "the connection to be closed");
    await publish(adapter, "unheard");
    expect([heard, interruptions()]).toEqual([[], before]);
  });

  it("may be closed before it has begun", async () => {
    const { close, interruptions } = listen(await adapterOn(kind));
    await close();
    expect(interruptions()).toBe(0);
  });
});

const inClusters = CLIENTS.filter(({ name }) => name.includes("Cluster"));

describe.each(inClusters.map((kind) => [kind.name, kind] as const))("a subscription on %s", (_name, kind) => {
  it("asks for a lookup repeatedly, since messages between nodes may be lost unnoticed", async () => {
    const { client, close } = await kind.open();
    closing.push(close);
    const registry = new RedisLoginRegistry({ client });
    registry.init({ appId: `app-${String((count += 1))}`, maxSessionAgeMs: 60_000 });
    const heard = new Heard();
    const subscription = registry.subscribe(heard, { checkIntervalMs: 20 });
    closing.push(() => subscription.close());
    await heard.until(() => heard.looks > 3);
    expect(heard.isListening).toBe(true);
  });
});

describe("other clients", () => {
  it("lose no message unnoticed", async () => {
    const others = CLIENTS.filter((kind) => !inClusters.includes(kind));
    const adapters = await Promise.all(others.map(adapterOn));
    expect(adapters.map(({ isCluster }) => isCluster)).toEqual(others.map(() => false));
  });
});

async function adapterOn(kind: (typeof CLIENTS)[number]): Promise<RedisAdapter> {
  const { client, close } = await kind.open();
  closing.push(close);
  return adapterOf(client);
}
