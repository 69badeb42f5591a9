import { setTimeout as wait } from "node:timers/promises";
import type { RedisServer } from "../../support/redis-server.js";
import type { EndEntry } from "./log.js";
import type { Network } from "../../support/network.js";
import type { Random } from "../../support/random.js";

export interface FaultContext {
  readonly redis: RedisServer;
  /** The way of each node to Redis. */
  readonly networks: readonly Network[];
  readonly random: Random;
  /** How long a fault lasts at most. */
  readonly longestMs: number;
}

/** A temporary fault. @returns the end of all logins, if the fault caused one. */
export type Fault = (context: FaultContext) => Promise<EndEntry | undefined>;

/** Every kind of fault, by its name. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  "Redis killed and restarted": lasting(async ({ redis }, last) => {
    await redis.kill();
    await last();
    await redis.restart();
  }),
  "Redis killed and restarted empty": emptying(async ({ redis }, last) => {
    await redis.lose();
    await last();
    await redis.restart();
  }),
  "Redis stopped and continued": lasting(async ({ redis }, last) => {
    redis.pause();
    await last();
    redis.resume();
  }),
  "scripts flushed": lasting(async ({ redis, random }, _last) => {
    for (let times = random.whole(1, 5); times > 0; times--) await redis.ask("SCRIPT", "FLUSH");
  }),
  "data flushed": emptying(async ({ redis }) => {
    await redis.ask("FLUSHALL");
  }),
  "memory full": lasting(async ({ redis }, last) => {
    await redis.ask("CONFIG", "SET", "maxmemory-policy", "noeviction", "maxmemory", "1");
    await last();
    await redis.ask("CONFIG", "SET", "maxmemory", "0");
  }),
  "every connection dropped": lasting(async ({ redis, random }, _last) => {
    for (let times = random.whole(1, 5); times > 0; times--) {
      await redis.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    }
  }),
  "network cut": onNetworks((network) => network.cut()),
  "connections reset": onNetworks((network) => network.drop()),
  "network held up": onNetworks((network) => network.holdUp()),
  "network slowed": onNetworks((network, random) => network.slow(random.between(5, 400))),
};

type During = (context: FaultContext, last: () => Promise<unknown>) => Promise<void>;

function lasting(during: During): Fault {
  return async (context) => {
    const { random, longestMs } = context;
    await during(context, () => wait(random.between(longestMs / 10, longestMs)));
    return undefined;
  };
}

/** All users who are logged in at its beginning are logged out at its end. */
function emptying(during: During): Fault {
  return async (context) => {
    const began = performance.now();
    await lasting(during)(context);
    return { of: "everyone", began, ended: performance.now(), isDone: true };
  };
}

/** For one node, or for all of them. */
function onNetworks(disturb: (network: Network, random: Random) => void): Fault {
  return lasting(async ({ networks, random }, last) => {
    const disturbed = random.chance(0.5) ? networks : [random.of(networks)];
    for (const network of disturbed) disturb(network, random);
    await last();
    for (const network of disturbed) network.mend();
  });
}
