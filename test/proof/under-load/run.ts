import { setTimeout as wait } from "node:timers/promises";
import { startRedis } from "../../support/redis-server.js";
import { Secrets } from "../../support/secrets.js";
import { check, type Violation } from "./check.js";
import { FAULTS, type FaultContext } from "./faults.js";
import { Load } from "./load.js";
import { emptyLog, type Log } from "./log.js";
import { MemorySamples } from "./memory.js";
import { startNetwork } from "../../support/network.js";
import { AppNode } from "./node.js";
import { Random } from "../../support/random.js";

const ADMIN_TOKEN = "the token of the tests under load";
const CUSTOMERS = 60;
const DEVICES = 24;
/** For how long it is tried whether service is back. */
const BACK_LIMIT_MS = 60_000;
/** Redis writes every change to its disk before it answers, so that an answered kick survives. */
const PERSISTENT = ["--appendonly", "yes", "--appendfsync", "always"];

export interface RunOptions {
  readonly seed: number;
  readonly lastsMs: number;
  /** How long a fault lasts at most. */
  readonly longestFaultMs: number;
  /** Called with a line for each event. */
  readonly onProgress: (line: string) => void;
}

export interface Report {
  readonly log: Log;
  readonly violations: readonly (Violation | { readonly rule: string; readonly what: string })[];
  readonly memory: readonly MemorySamples[];
}

/** Two processes of the example app on one Redis under load, and every fault in random order, again and again. */
export async function run({ seed, lastsMs, longestFaultMs, onProgress }: RunOptions): Promise<Report> {
  const random = new Random(seed);
  const log = emptyLog();
  const redis = await startRedis(PERSISTENT);
  const networks = [await startNetwork(redis.port), await startNetwork(redis.port)];
  const nodes: AppNode[] = [];
  try {
    for (const [index, { port: redisPort }] of networks.entries()) {
      const coherentCache = index > 0;
      nodes.push(await AppNode.start({ redisPort, adminToken: ADMIN_TOKEN, customers: CUSTOMERS, coherentCache }));
    }
    const load = new Load({
      nodes: nodes.map(({ client }) => client),
      users: Array.from({ length: CUSTOMERS }, (_, index) => `customer-${String(index + 1)}`),
      password: "always-right",
      adminToken: ADMIN_TOKEN,
      log,
      random,
      devices: DEVICES,
    });
    const memory = nodes.map((node) => new MemorySamples(() => node.memory()));
    load.start();
    await faultAfterFault(
      { redis, networks, random, longestMs: longestFaultMs },
      { nodes, load, log, lastsMs, onProgress },
    );
    await load.stop();
    for (const samples of memory) samples.stop();
    return { log, memory, violations: [...check(log), ...nodes.flatMap((node) => complaintsOf(node, load.secrets))] };
  } finally {
    await Promise.all(nodes.map((node) => node.stop()));
    await Promise.all(networks.map((network) => network.close()));
    await redis.stop();
  }
}

async function faultAfterFault(
  context: FaultContext,
  {
    nodes,
    load,
    log,
    lastsMs,
    onProgress,
  }: Pick<RunOptions, "lastsMs" | "onProgress"> & { nodes: AppNode[]; load: Load; log: Log },
): Promise<void> {
  const { random } = context;
  const end = performance.now() + lastsMs;
  let next: string[] = [];
  // Every kind at least once, however short the run is.
  for (let count = 0; count < Object.keys(FAULTS).length || performance.now() < end; count++) {
    if (next.length === 0) next = random.shuffled(Object.keys(FAULTS));
    const name = next.pop() ?? "";
    await wait(random.between(100, context.longestMs / 2));
    const began = performance.now();
    const emptied = await FAULTS[name]?.(context);
    if (emptied !== undefined) log.ends.push(emptied);
    const ended = performance.now();
    const backAt = (await isBack(nodes, load)) ? performance.now() : Infinity;
    log.faults.push({ name, began, ended, backAt });
    onProgress(`${name}: ${(ended - began).toFixed(0)} ms, back after ${(backAt - ended).toFixed(0)} ms`);
  }
}

async function isBack(nodes: readonly AppNode[], load: Load): Promise<boolean> {
  const end = performance.now() + BACK_LIMIT_MS;
  const back = nodes.map(async ({ client }) => {
    while (!(await load.works(client))) {
      if (performance.now() > end) return false;
      await wait(20);
    }
    return true;
  });
  return !(await Promise.all(back)).includes(false);
}

/** The complaints about a process itself. */
function complaintsOf(node: AppNode, cookies: ReadonlySet<string>): { rule: string; what: string }[] {
  const complaints = node.stderr
    .filter((line) => /Warning:|Unhandled|Uncaught/i.test(line))
    // The history is in the registry: that a kick which failed with it is not recorded there either, the process says once.
    .filter((line) => !line.includes("EXPRESS_LOGOUT_AUDIT"))
    .map((line) => ({ rule: "a complaint of the process", what: line }));
  if (node.hasExited) complaints.push({ rule: "the process has ended", what: node.stderr.slice(-20).join("\n") });
  const secrets = new Secrets([ADMIN_TOKEN]);
  for (const cookie of cookies) secrets.add(cookie);
  const leaking = node.stderr.filter((line) => secrets.foundIn(line) !== undefined);
  complaints.push(...leaking.map((line) => ({ rule: "a secret in the log", what: line })));
  return complaints;
}
