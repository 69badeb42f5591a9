import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { ReplicatedWrites } from "../../lib/registry/redis/replicated.js";
import type { RedisAdapter } from "../../lib/registry/redis/clients/index.js";
import { Deadline } from "../../lib/util/deadline.js";

interface Sent {
  readonly key: string;
  readonly commands: readonly (readonly string[])[];
  readonly answer: (replies: readonly unknown[]) => void;
  readonly fail: () => void;
}

const ME = "id=1 addr=a laddr=b";
const NOT_REPLICATED = expect.objectContaining({ code: "ERR_WRITE_NOT_REPLICATED" });
const settled = (): Promise<void> => new Promise(setImmediate);

describe("writes that wait for replicas", () => {
  let sent: Sent[];
  let connections: { isClosed: boolean }[];
  beforeEach(() => {
    sent = [];
    connections = [];
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  function open(isCluster = false, limitMs = 10_000): ReplicatedWrites {
    const ownConnection: RedisAdapter["ownConnection"] = () => {
      const connection = { isClosed: false };
      connections.push(connection);
      return {
        sequence: (key, commands) =>
          new Promise((answer, reject) => {
            const fail = (): void => {
              reject(new Error("the connection is lost"));
            };
            sent.push({ key, commands, answer, fail });
          }),
        close: () => {
          connection.isClosed = true;
          return Promise.resolve();
        },
      };
    };
    return new ReplicatedWrites({ isCluster, ownConnection } as RedisAdapter, new Deadline(limitMs));
  }

  const writeTo = (writes: ReplicatedWrites, names: readonly string[], replicas = 1) =>
    names.map((name) => writes.write(`key of ${name}`, ["SET", `key of ${name}`], replicas));
  const namesIn = ({ commands }: Sent) => commands.slice(1, -2).map(([, key]) => key?.replace("key of ", ""));

  it("go in one batch with one WAIT, and later ones in the next batch", async () => {
    const writes = open();
    const first = writeTo(writes, ["a", "b"]);
    await settled();
    const second = writeTo(writes, ["c"]);
    await settled();
    const third = writeTo(writes, ["d"], 2);
    await settled();
    expect(sent.map(namesIn)).toEqual([["a", "b"]]);
    expect(sent[0]?.commands.slice(-2)).toEqual([
      ["WAIT", "1", "5000"],
      ["CLIENT", "INFO"],
    ]);
    sent[0]?.answer([ME, "A", "B", 1, ME]);
    expect(await Promise.all(first)).toEqual(["A", "B"]);
    await settled();
    expect(sent.map(namesIn)).toEqual([
      ["a", "b"],
      ["c", "d"],
    ]);
    expect(sent[1]?.commands.at(-2)).toEqual(["WAIT", "2", "5000"]);
    // Each write has its own number of replicas.
    sent[1]?.answer([ME, "C", "D", 1, ME]);
    expect(await Promise.all(second)).toEqual(["C"]);
    await expect(third[0]).rejects.toEqual(NOT_REPLICATED);
    expect(connections).toEqual([{ isClosed: false }]);
  });

  it("go one by one in a Cluster, eight at a time", async () => {
    const writes = open(true);
    const names = Array.from({ length: 10 }, (_value, index) => `user ${String(index)}`);
    const all = writeTo(writes, names);
    await settled();
    expect(sent.map(namesIn)).toEqual(names.slice(0, 8).map((name) => [name]));
    expect(sent.map(({ key }) => key)).toEqual(names.slice(0, 8).map((name) => `key of ${name}`));
    sent[3]?.answer([ME, "done", 1, ME]);
    expect(await all[3]).toBe("done");
    await settled();
    expect(sent).toHaveLength(9);
    for (const { answer } of sent) answer([ME, "done", 1, ME]);
    await settled();
    sent[9]?.answer([ME, "done", 1, ME]);
    expect(await Promise.all(all)).toEqual(names.map(() => "done"));
  });

  it("go in batches of at most five hundred", async () => {
    const writes = open();
    const names = Array.from({ length: 501 }, (_value, index) => String(index));
    const all = writeTo(writes, names);
    await settled();
    sent[0]?.answer([ME, ...names.slice(0, 500), 1, ME]);
    await settled();
    expect(sent.map((each) => namesIn(each).length)).toEqual([500, 1]);
    sent[1]?.answer([ME, "500", 1, ME]);
    expect(await Promise.all(all)).toEqual(names);
  });

  it.each([
    ["another connection has answered", [ME, "A", 1, "id=2 addr=a laddr=b"], false],
    ["fewer replicas have it", [ME, "A", 0, ME], false],
    ["Redis refuses the write", [ME, new Error("WRONGTYPE"), 1, ME], false],
    ["Redis refuses to wait", [ME, "A", new Error("ERR"), ME], true],
    ["the connection does not identify itself", [new Error("NOPERM"), "A", 1, ME], true],
  ])("are rejected if %s", async (_what, replies, isClosed) => {
    const [written] = writeTo(open(), ["a"]);
    await settled();
    sent[0]?.answer(replies);
    await expect(written).rejects.toEqual(NOT_REPLICATED);
    expect(connections).toEqual([{ isClosed }]);
  });

  it("take another connection when theirs is lost", async () => {
    const writes = open();
    const lost = writeTo(writes, ["a", "b"]);
    await settled();
    const next = writeTo(writes, ["c"]);
    sent[0]?.fail();
    expect(await Promise.allSettled(lost)).toMatchObject([{ reason: NOT_REPLICATED }, { reason: NOT_REPLICATED }]);
    await settled();
    sent[1]?.answer([ME, "C", 1, ME]);
    expect(await Promise.all(next)).toEqual(["C"]);
    expect(connections).toEqual([{ isClosed: true }, { isClosed: false }]);
  });

  it("that are still queued are rejected on close", async () => {
    const writes = open();
    const [running] = writeTo(writes, ["a"]);
    await settled();
    const [waiting] = writeTo(writes, ["b"]);
    await Promise.all([writes.close(), expect(waiting).rejects.toEqual(NOT_REPLICATED)]);
    expect(connections).toEqual([{ isClosed: true }]);
    sent[0]?.fail();
    await expect(running).rejects.toEqual(NOT_REPLICATED);
    await expect(writeTo(writes, ["c"])[0]).rejects.toEqual(NOT_REPLICATED);
    expect([sent.length, connections.length]).toEqual([1, 1]);
  });

  it.each([
    [false, 1],
    [true, 8],
  ])(
    "time out together, however many there are, and are not sent afterwards (Cluster: %p)",
    async (isCluster, most) => {
      // Fake time: otherwise a write of the next millisecond would have that much time left, and be sent.
      jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate"] });
      const writes = open(isCluster, 100);
      const first = writeTo(
        writes,
        Array.from({ length: 30 }, (_value, index) => String(index)),
      );
      await settled();
      const later = writeTo(writes, ["late"]);
      await settled();
      jest.advanceTimersByTime(100);
      const outcomes = await Promise.allSettled([...first, ...later]);
      expect(outcomes).toEqual(outcomes.map(() => ({ status: "rejected", reason: NOT_REPLICATED })));
      await settled();
      expect(sent).toHaveLength(most);
    },
  );

  it("are sent if an earlier one times out", async () => {
    const writes = open(false, 300);
    const [hanging] = writeTo(writes, ["a"]);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const [next] = writeTo(writes, ["b"]);
    await expect(hanging).rejects.toEqual(NOT_REPLICATED);
    while (sent.length < 2) await settled();
    sent[1]?.answer([ME, "B", 1, ME]);
    expect(await next).toBe("B");
  });

  it("keep the connection that has replaced a lost one", async () => {
    const writes = open(true);
    const lost = writeTo(writes, ["a", "b"]);
    await settled();
    sent[0]?.fail();
    await expect(lost[0]).rejects.toEqual(NOT_REPLICATED);
    const [next] = writeTo(writes, ["c"]);
    await settled();
    sent[1]?.fail();
    await expect(lost[1]).rejects.toEqual(NOT_REPLICATED);
    const [last] = writeTo(writes, ["d"]);
    await settled();
    for (const { answer } of sent) answer([ME, "done", 1, ME]);
    expect(await Promise.all([next, last])).toEqual(["done", "done"]);
    expect(connections).toEqual([{ isClosed: true }, { isClosed: false }]);
  });

  it("are rejected if no connection can be opened", async () => {
    const limit = new Deadline(10_000);
    const adapter = {
      isCluster: false,
      ownConnection: () => {
        throw new Error("no connection");
      },
    } as unknown as RedisAdapter;
    const writes = new ReplicatedWrites(adapter, limit);
    await expect(writeTo(writes, ["a"])[0]).rejects.toEqual(NOT_REPLICATED);
    await expect(writeTo(writes, ["b"])[0]).rejects.toEqual(NOT_REPLICATED);
  });
});
