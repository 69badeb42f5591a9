import { onFreePort } from "./free-port.js";
import { startNetwork } from "./network.js";
import { connectTo, startRedis, startSentinel, until, type RedisServer } from "./redis-server.js";

/** Several servers that belong together. */
export interface Topology {
  stop(): Promise<void>;
}

/** A master and its replica. */
export interface Pair extends Topology {
  readonly master: RedisServer;
  readonly replica: RedisServer;
  /** From now on the replica learns of nothing. */
  holdReplication(): void;
  /** From now on all data to and from the replica arrives this much later. */
  slowReplication(delayMs: number): void;
  /** Ends the master at once and puts its replica in its place. */
  failOver(): Promise<RedisServer>;
}

export async function startPair(): Promise<Pair> {
  const master = await startRedis();
  const network = await startNetwork(master.port);
  const replica = await startRedis(replicaOf(network));
  await inStep(master, 1);
  return {
    master,
    replica,
    holdReplication: () => {
      network.holdUp();
    },
    slowReplication: (delayMs) => {
      network.slow(delayMs);
    },
    failOver: async () => {
      await master.kill();
      await replica.ask("REPLICAOF", "NO", "ONE");
      return replica;
    },
    stop: async () => {
      await stopAll([master, replica]);
      await network.close();
    },
  };
}

export interface SentinelSet extends Topology {
  readonly name: string;
  readonly sentinels: readonly RedisServer[];
  readonly nodes: readonly RedisServer[];
  master(): Promise<RedisServer>;
  /** Ends the master at once; resolves when the sentinels have made a replica the master. */
  failOver(): Promise<void>;
  /** Starts it again; resolves when it is a replica in step. */
  recover(): Promise<void>;
}

function nodeOn(port: number, nodes: readonly RedisServer[]): RedisServer {
  const node = nodes.find((each) => each.port === port);
  if (node === undefined) throw new Error("no such node");
  return node;
}

/** A master, two replicas and three sentinels. */
export async function startSentinelSet(): Promise<SentinelSet> {
  const name = "logins";
  const first = await startRedis();
  const nodes = [first, await startRedis(replicaOf(first)), await startRedis(replicaOf(first))];
  await inStep(first, 2);
  const sentinels = await startAll(3, () => startSentinel(name, first.port, 2));
  const portOf = async (sentinel: RedisServer): Promise<number> => {
    const [, port] = (await sentinel.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name)) as [string, string];
    return Number(port);
  };
  await until(async () => {
    const known = await Promise.all(sentinels.map((each) => each.ask("SENTINEL", "MASTER", name)));
    return known.every((reply) => {
      const fields = reply as string[];
      const field = (key: string): string | undefined => fields[fields.indexOf(key) + 1];
      return field("num-slaves") === "2" && field("num-other-sentinels") === "2";
    });
  }, "the sentinels to know each other");
  const master = async (): Promise<RedisServer> => {
    const [port = 0] = await Promise.all(sentinels.map(portOf));
    return nodeOn(port, nodes);
  };
  let dead: RedisServer | undefined;
  return {
    name,
    sentinels,
    nodes,
    master,
    recover: async () => {
      if (dead === undefined) return;
      await dead.restart();
      const successor = await master();
      // The sentinels would see to that too, after ten seconds.
      await dead.ask("REPLICAOF", "127.0.0.1", String(successor.port));
      await inStep(successor, nodes.length - 1);
    },
    failOver: async () => {
      const old = await master();
      dead = old;
      await old.kill();
      await until(async () => {
        const ports = await Promise.all(sentinels.map(portOf));
        if (ports.includes(old.port)) return false;
        return String(await (await master()).ask("ROLE")).startsWith("master");
      }, "the sentinels to choose another master");
    },
    stop: () => stopAll([...sentinels, ...nodes]),
  };
}

export interface ClusterSet extends Topology {
  readonly nodes: readonly RedisServer[];
  /** The master of a key. */
  masterOf(key: string): Promise<RedisServer>;
  /** Ends the master of a key at once; resolves when its replica has taken over. */
  failOver(key: string): Promise<void>;
  /** Starts it again; resolves when it is a replica in step. */
  recover(): Promise<void>;
}

const SLOTS = 16_384;
const MASTERS = 3;
/** The timeout in milliseconds after which a silent node counts as down, for a failover. */
const FAILOVER_MS = "1500";
/** The default: a node on a busy machine must not miss messages of the others. */
const PATIENCE_MS = "30000";

/** A Cluster of three masters with a replica each. */
export async function startCluster(): Promise<ClusterSet> {
  const settings = ["--cluster-enabled", "yes", "--cluster-node-timeout", FAILOVER_MS, "--cluster-port"];
  const nodes = await startAll(2 * MASTERS, () =>
    onFreePort(async (busPort) => ({ busPort, ...(await startRedis([...settings, String(busPort)])) })),
  );
  const masters = nodes.slice(0, MASTERS);
  const replicas = nodes.slice(MASTERS);
  await Promise.all(
    masters.map(async (node, index) => {
      const bounds = [index, index + 1].map((each) => Math.floor((each * SLOTS) / MASTERS)) as [number, number];
      await node.ask("CLUSTER", "ADDSLOTSRANGE", String(bounds[0]), String(bounds[1] - 1));
      await node.ask("CLUSTER", "SET-CONFIG-EPOCH", String(index + 1));
    }),
  );
  for (const { port, busPort } of nodes.slice(1)) {
    await masters[0]?.ask("CLUSTER", "MEET", "127.0.0.1", String(port), String(busPort));
  }
  const info = async (node: RedisServer, command: string[], line: string): Promise<boolean> =>
    String(await node.ask(...command)).includes(line);
  const everywhere = async (some: readonly RedisServer[], command: string[], line: string): Promise<boolean> =>
    (await Promise.all(some.map((node) => info(node, command, line)))).every(Boolean);
  await until(() => everywhere(nodes, ["CLUSTER", "INFO"], "cluster_known_nodes:6"), "the nodes to meet");
  await Promise.all(
    replicas.map(async (node, index) =>
      node.ask("CLUSTER", "REPLICATE", String(await masters[index]?.ask("CLUSTER", "MYID"))),
    ),
  );
  await until(() => everywhere(nodes, ["CLUSTER", "INFO"], "cluster_state:ok"), "the Cluster to be well");
  await Promise.all(masters.map((node) => inStep(node, 1)));
  const alive = new Set<RedisServer>(nodes);
  const waitForNodes = async (ms: string): Promise<void> => {
    await Promise.all([...alive].map((node) => node.ask("CONFIG", "SET", "cluster-node-timeout", ms)));
  };
  await waitForNodes(PATIENCE_MS);
  let dead: RedisServer | undefined;
  const masterOf = async (key: string): Promise<RedisServer> => {
    const [asked] = alive;
    if (asked === undefined) throw new Error("no node is left");
    const slot = Number(await asked.ask("CLUSTER", "KEYSLOT", key));
    const ranges = (await asked.ask("CLUSTER", "SLOTS")) as [number, number, [string, number]][];
    const range = ranges.find(([from, to]) => from <= slot && slot <= to);
    return nodeOn(range?.[2][1] ?? 0, nodes);
  };
  return {
    nodes,
    masterOf,
    failOver: async (key) => {
      const old = await masterOf(key);
      await old.kill();
      dead = old;
      alive.delete(old);
      await waitForNodes(FAILOVER_MS);
      await until(async () => {
        if ((await masterOf(key)) === old) return false;
        return everywhere([...alive], ["CLUSTER", "INFO"], "cluster_state:ok");
      }, "the replica to take over");
      await waitForNodes(PATIENCE_MS);
    },
    recover: async () => {
      if (dead === undefined) return;
      await dead.restart();
      alive.add(dead);
      await until(() => everywhere(nodes, ["CLUSTER", "INFO"], "cluster_state:ok"), "the Cluster to be well");
      const ranges = (await dead.ask("CLUSTER", "SLOTS")) as [number, number, [string, number]][];
      await Promise.all(ranges.map(([, , [, port]]) => inStep(nodeOn(port, nodes), 1)));
      await waitForNodes(PATIENCE_MS);
    },
    stop: () => stopAll(nodes),
  };
}

function replicaOf({ port }: { readonly port: number }): string[] {
  return ["--replicaof", "127.0.0.1", String(port)];
}

/** Waits until this number of replicas have the master's data. A new replica reports that up to a second too early. */
async function inStep(master: RedisServer, replicas: number): Promise<void> {
  const client = await connectTo(master);
  const confirm = async (): Promise<boolean> => {
    await client.sendCommand(["PUBLISH", "in step?", ""]);
    return Number(await client.sendCommand(["WAIT", String(replicas), "1000"])) >= replicas;
  };
  try {
    // A replica does not confirm writes from before its start, so the second write counts.
    await until(async () => (await confirm()) && (await confirm()), "the replicas to be in step");
  } finally {
    client.destroy();
  }
}

/** Starts this number of servers, or none. */
async function startAll<Server extends RedisServer>(count: number, start: () => Promise<Server>): Promise<Server[]> {
  const results = await Promise.allSettled(Array.from({ length: count }, start));
  const started = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const failed = results.find((result) => result.status === "rejected");
  if (failed === undefined) return started;
  await stopAll(started);
  throw failed.reason;
}

async function stopAll(servers: readonly RedisServer[]): Promise<void> {
  await Promise.all(servers.map((server) => server.stop()));
}

/** A cluster behind one address, as some providers have it: clients see one server, but a script reaches no further than a slot. */
export async function startClusterBehindOneAddress(): Promise<RedisServer> {
  const settings = ["--cluster-enabled", "yes", "--cluster-port"];
  const server = await onFreePort((busPort) => startRedis([...settings, String(busPort)]));
  await server.ask("CLUSTER", "ADDSLOTSRANGE", "0", String(SLOTS - 1));
  await until(async () => String(await server.ask("CLUSTER", "INFO")).includes("cluster_state:ok"), "the cluster");
  return server;
}
