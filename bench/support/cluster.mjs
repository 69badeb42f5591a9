import { setTimeout } from "node:timers/promises";
import { createCluster } from "redis";
import { startRedis } from "./redis.mjs";

const SLOTS = 16_384;

/** A Redis Cluster of the bench's own: so many masters, each with an equal part of the slots, and no replicas. */
export async function startCluster(masters) {
  const nodes = [];
  const close = async () => {
    for (const node of nodes) await node.close();
  };
  try {
    for (let number = 0; number < masters; number += 1) nodes.push(await startRedis("--cluster-enabled", "yes"));
    await Promise.all(nodes.map((node, number) => join(node, number, nodes)));
    for (const { client } of nodes) await until(() => isComplete(client, masters));
    const rootNodes = nodes.map(({ port }) => ({ url: `redis://127.0.0.1:${port}` }));
    const cluster = await createCluster({ rootNodes }).connect();
    return {
      cluster,
      masters: nodes.map(({ client }) => client),
      close: async () => {
        cluster.destroy();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function join({ client }, number, nodes) {
  const slots = [number, number + 1].map((part) => Math.floor((part * SLOTS) / nodes.length));
  await client.sendCommand(["CLUSTER", "ADDSLOTSRANGE", String(slots[0]), String(slots[1] - 1)]);
  if (number > 0) await client.sendCommand(["CLUSTER", "MEET", "127.0.0.1", String(nodes[0].port)]);
}

async function isComplete(client, masters) {
  const info = String(await client.sendCommand(["CLUSTER", "INFO"]));
  return info.includes("cluster_state:ok") && info.includes(`cluster_size:${masters}`);
}

async function until(condition) {
  while (!(await condition())) await setTimeout(50);
}
