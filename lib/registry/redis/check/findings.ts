import { isNativeError } from "node:util/types";
import { LogoutError } from "../../../errors.js";
import type { Finding } from "../../../types/health.js";
import type { Facts, Fields } from "./facts.js";

const OLDEST_VERSION = [6, 2];
/** A replica reports to its master every second. */
const MAX_LAG_S = 5;
const MAX_BYTES_BEHIND = 1_048_576;
/** The part of the memory above which Redis is nearly full. */
const NEARLY_FULL = 0.9;
const ALLOW_INFO = "Allow the command INFO for the user of the client, or check the setting on the server.";

/** What cannot be checked. */
function unknown(what: string, why = "Redis refuses INFO and CONFIG."): Finding {
  return { level: "unknown", what, why, how: ALLOW_INFO };
}

/** The version of the server, and of the protocol. */
export function version({ info, resp }: Facts): Finding {
  const what = "Redis: version";
  const redis = info?.get("redis_version");
  if (redis === undefined) return unknown(what, "Redis refuses INFO.");
  const valkey = info?.get("valkey_version");
  const name = valkey === undefined ? `Redis ${redis}` : `Valkey ${valkey}`;
  const [major = 0, minor = 0] = redis.split(".").map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_VERSION;
  if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
    const why = `It is ${name}, and ${OLDEST_VERSION.join(".")} or later is needed: logins and kicks fail.`;
    return { level: "error", what, why, how: "Upgrade Redis." };
  }
  return { level: "ok", what, why: `${name}${resp === undefined ? "" : `, over RESP ${resp}`}.` };
}

/** Whether Redis may throw away what the registry has written. */
export function eviction({ info, config }: Facts): Finding {
  const what = "Redis: eviction";
  const policy = info?.get("maxmemory_policy") ?? config?.get("maxmemory-policy");
  if (policy === undefined) return unknown(what);
  const evicted = Number(info?.get("evicted_keys") ?? 0);
  const keys = `${count(evicted)} ${evicted === 1 ? "key has" : "keys have"} been evicted since Redis started`;
  if (policy === "noeviction") {
    if (evicted === 0) return { level: "ok", what, why: "maxmemory-policy is noeviction." };
    const why = `maxmemory-policy is noeviction, but ${keys}. Kicks may have been forgotten.`;
    return { level: "warn", what, why, how: "Kick again the users who must stay out, or everyone." };
  }
  if (info?.get("maxmemory") === "0") {
    const why = `maxmemory-policy is ${policy}. Nothing is evicted while maxmemory is 0, as now.`;
    return { level: "warn", what, why, how: "Set maxmemory-policy noeviction, in case a maxmemory is set later." };
  }
  return {
    level: "error",
    what,
    why: `maxmemory-policy is ${policy}${evicted === 0 ? "" : `, and ${keys}`}. Redis may forget kicks, and let kicked users in.`,
    how: "Set maxmemory-policy noeviction on the server, and give it enough memory.",
  };
}

/** What a restart or a crash of the server loses. */
export function persistence({ info, config }: Facts): Finding {
  const what = "Redis: persistence";
  if (info === undefined) return unknown(what, "Redis refuses INFO.");
  const hasLog = info.get("aof_enabled") === "1";
  const failing =
    (hasLog && info.get("aof_last_write_status") === "err") || info.get("rdb_last_bgsave_status") === "err";
  if (failing) {
    return { level: "error", what, why: "The last write to the disk has failed.", how: "See the log of Redis." };
  }
  if (hasLog) return { level: "ok", what, why: "The append-only file is on." };
  const save = config?.get("save");
  if (save === undefined) {
    const why = "The append-only file is off. Whether there are snapshots is not known, because Redis refuses CONFIG.";
    return { level: "unknown", what, why, how: "Turn on the append-only file (appendonly yes)." };
  }
  const how = "Turn on the append-only file: appendonly yes.";
  if (save === "") {
    const why = "Redis writes nothing to the disk. A restart ends every login, and forgets every kick.";
    return { level: "warn", what, why, how };
  }
  const why = "Redis writes snapshots alone. A crash undoes the kicks since the last one.";
  return { level: "warn", what, why, how };
}

/** Whether a failover loses kicks, and whether kicks wait for replicas that are not there. */
export function replication({ info }: Facts, waitReplicas: number): Finding {
  const what = "Redis: replicas";
  if (info === undefined) return unknown(what, "Redis refuses INFO.");
  if (info.get("role") === "slave") {
    const why = "The client is connected to a replica: logins and kicks fail.";
    return { level: "error", what, why, how: "Connect the client to the master, or use Sentinel or Cluster clients." };
  }
  const replicas = replicasIn(info);
  const inStep = replicas.filter(({ isInStep }) => isInStep).length;
  const have = `${count(inStep)} of ${count(replicas.length)} replicas ${inStep === 1 ? "is" : "are"} in step`;
  if (inStep < waitReplicas) {
    const why = `waitReplicas is ${count(waitReplicas)}, and ${have}: kicks reject with ERR_WRITE_NOT_REPLICATED.`;
    return { level: "error", what, why, how: "Bring the replicas back, or lower waitReplicas." };
  }
  if (inStep < replicas.length) {
    const slowest = Math.max(...replicas.map(({ lag }) => lag));
    const why = `${have}; the slowest was last heard of ${count(slowest)} s ago.`;
    return { level: "warn", what, why, how: "See the log of the replica, and the network to it." };
  }
  if (replicas.length > 0 && waitReplicas === 0) {
    const why = `${have}, and waitReplicas is 0: a failover may undo a kick that has returned.`;
    return { level: "warn", what, why, how: "Pass waitReplicas to RedisLoginRegistry." };
  }
  return { level: "ok", what, why: replicas.length === 0 ? "There are none." : `${have}, and kicks wait for them.` };
}

interface Replica {
  /** Seconds since the replica last reported. */
  readonly lag: number;
  readonly isInStep: boolean;
}

function replicasIn(info: Fields): readonly Replica[] {
  const written = Number(info.get("master_repl_offset"));
  return [...info]
    .filter(([name]) => /^slave\d+$/.test(name))
    .map(([, value]) => {
      const fields = new Map(value.split(",").map((field) => field.split("=", 2) as [string, string]));
      const lag = Number(fields.get("lag") ?? Infinity);
      const isBehind = written - Number(fields.get("offset") ?? 0) > MAX_BYTES_BEHIND;
      return { lag, isInStep: fields.get("state") === "online" && lag <= MAX_LAG_S && !isBehind };
    });
}

/** Whether ends of logins can be published. */
export function notifications({ mayPublish }: Facts, channel: string): Finding {
  const what = "Redis: notifications";
  const allow = `Allow PUBLISH and SUBSCRIBE on the channels of the registry: ACL SETUSER … &${channel}*`;
  if (mayPublish === true) return { level: "ok", what, why: "PUBLISH is allowed." };
  if (mayPublish === undefined) return { level: "unknown", what, why: "PUBLISH failed.", how: allow };
  const why =
    "The ACL refuses PUBLISH. Live connections of other processes end seconds late, and their kick events are missing.";
  return { level: "warn", what, why, how: allow };
}

/** How much is stored, and whether there is memory for more. */
export function size({ info, shards }: Facts): Finding {
  const what = "Redis: size";
  const users = isNativeError(shards) ? undefined : shards?.reduce((sum, each) => sum + each, 0);
  const listed = users === undefined ? "" : `${counted(users, "user")} ${users === 1 ? "is" : "are"} listed. `;
  const used = Number(info?.get("used_memory") ?? NaN);
  const most = Number(info?.get("maxmemory") ?? NaN);
  if (Number.isNaN(used)) return unknown(what, `${listed}Redis refuses INFO.`);
  const why = `${listed}Redis uses ${megabytes(used)}${most > 0 ? ` of ${megabytes(most)}` : ", without a maxmemory"}.`;
  if (!(most > 0 && used > most * NEARLY_FULL)) return { level: "ok", what, why };
  return { level: "warn", what, why, how: "Raise maxmemory: when it is reached, logins fail." };
}

/** Whether the number of shards that was configured is possible, and how evenly the users are spread. */
export function shards({ shards: sizes }: Facts): Finding {
  const what = "Redis: shards of the index";
  if (sizes instanceof LogoutError && sizes.code === "ERR_OPTION_INVALID") {
    return { level: "error", what, why: sizes.message, how: "Correct the option. Until then, every call fails." };
  }
  if (sizes === undefined || isNativeError(sizes))
    return { level: "unknown", what, why: "They could not be read.", how: "See the log of Redis." };
  if (sizes.length === 1) return { level: "ok", what, why: "There is one." };
  const largest = counted(Math.max(...sizes), "user");
  return { level: "ok", what, why: `There are ${count(sizes.length)}. The largest has ${largest}.` };
}

/** What a check of one node cannot say. */
export function otherNodes(isCluster: boolean): readonly Finding[] {
  if (!isCluster) return [];
  const why = "One node of the Cluster was asked. The settings of the others may differ.";
  return [{ level: "unknown", what: "Redis: other nodes", why, how: "Give every node the same settings." }];
}

function count(number: number): string {
  return number.toLocaleString("en");
}

function counted(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toLocaleString("en", { maximumFractionDigits: 1 })} MB`;
}
