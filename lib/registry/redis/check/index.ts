import type { Finding } from "../../../types/health.js";
import { debugError, ignored } from "../../../util/debug.js";
import { redactError } from "../../../util/redact-error.js";
import { warn } from "../../../util/warning.js";
import type { Connection } from "../connection.js";
import { readFacts, readInfo, type AskedServer, type Facts } from "./facts.js";
import { eviction, notifications, otherNodes, persistence, replication, shards, size, version } from "./findings.js";

/** `auth.diagnose()` waits for two seconds. */
const ANSWERS_WITHIN_MS = 1_500;

export interface CheckedServer extends AskedServer {
  readonly waitReplicas: number;
  readonly timeoutMs: number;
}

/** Checks the settings of the server. Never rejects. */
export async function checkServer({ waitReplicas, timeoutMs, ...server }: CheckedServer): Promise<Finding[]> {
  const { adapter, keys } = server;
  let facts: Facts;
  try {
    facts = await readFacts(server, Math.min(timeoutMs, ANSWERS_WITHIN_MS));
  } catch (error) {
    debugError("the settings of Redis could not be read", error, [keys.active, keys.notifications]);
    const { message } = redactError(error, [keys.active, keys.notifications]);
    return [{ level: "unknown", what: "Redis: settings", why: `They could not be read: ${message}` }];
  }
  return [
    version(facts),
    eviction(facts),
    persistence(facts),
    replication(facts, waitReplicas),
    notifications(facts, keys.notifications),
    size(facts),
    shards(facts),
    ...otherNodes(adapter.isCluster || facts.info?.get("cluster_enabled") === "1"),
  ];
}

/** Emits process warnings, once, for a server that may lose kicks. Not before a login is listed: the client works then. */
export class ServerWarnings {
  readonly #connection: Connection;
  #isDone = false;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  emitOnce(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#emit().catch(ignored("the version and the eviction policy of Redis are not known"));
  }

  async #emit(): Promise<void> {
    const info = readInfo(await this.#connection.command("INFO", "default"));
    const found = {
      EXPRESS_LOGOUT_REDIS_EVICTION: eviction({ info }),
      EXPRESS_LOGOUT_REDIS_VERSION: version({ info }),
    };
    for (const [code, { level, why, how }] of Object.entries(found)) {
      if (level === "error") warn(code, `${why} ${how ?? ""}`);
    }
  }
}
