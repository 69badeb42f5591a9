import { nextTick } from "node:process";
import { isNativeError } from "node:util/types";
import { LogoutError } from "../../errors.js";
import type { Deadline } from "../../util/deadline.js";
import { redactError } from "../../util/redact-error.js";
import type { OwnConnection, RedisAdapter } from "./clients/index.js";
import { ignored } from "../../util/debug.js";

/** The maximum number of writes per `WAIT`. */
const BATCH_SIZE = 500;
/** The number of concurrent writes in a Cluster, where each write may go to another master and needs its own `WAIT`. */
const CLUSTER_CONCURRENCY = 8;

interface Write {
  readonly key: string;
  readonly command: readonly string[];
  readonly replicas: number;
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: LogoutError) => void;
}

/**
 * Sends writes that succeed only once replicas have acknowledged them.
 *
 * `WAIT` covers the writes of its own connection. If the client reconnects between a write and `WAIT`, `WAIT` confirms nothing but
 * still returns the number of replicas. So `CLIENT INFO` before and after identifies the connection, and the result counts only if
 * the connection is the same. `WAIT` blocks its connection, so this is not the app's.
 *
 * Writes that arrive while a batch is running go together in the next batch.
 */
export class ReplicatedWrites {
  readonly #adapter: RedisAdapter;
  readonly #deadline: Deadline;
  readonly #batchSize: number;
  readonly #concurrency: number;
  readonly #queue: Write[] = [];
  #running = 0;
  #isClosed = false;
  #connection: OwnConnection | undefined;

  constructor(adapter: RedisAdapter, deadline: Deadline) {
    this.#adapter = adapter;
    this.#deadline = deadline;
    this.#batchSize = adapter.isCluster ? 1 : BATCH_SIZE;
    this.#concurrency = adapter.isCluster ? CLUSTER_CONCURRENCY : 1;
  }

  /**
   * Sends a write and waits for replicas.
   *
   * @throws LogoutError `ERR_WRITE_NOT_REPLICATED` if too few replicas have acknowledged the write, which may or may not have happened.
   */
  write(key: string, command: readonly string[], replicas: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const onTimeout = (): void => {
        // A write that is still queued must not be sent later.
        const position = this.#queue.indexOf(write);
        if (position >= 0) this.#queue.splice(position, 1);
        reject(notReplicated(write, this.#deadline.error()));
      };
      const timer = this.#deadline.start(onTimeout);
      const write: Write = {
        key,
        command,
        replicas,
        resolve: (reply) => {
          clearTimeout(timer);
          resolve(reply);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      if (this.#isClosed) {
        write.reject(notReplicated(write));
        return;
      }
      this.#queue.push(write);
      nextTick(() => {
        this.#sendQueued();
      });
    });
  }

  /** Allows writes again after {@link close}. */
  open(): void {
    this.#isClosed = false;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const write of this.#queue.splice(0)) write.reject(notReplicated(write));
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.close();
  }

  #sendQueued(): void {
    while (this.#queue.length > 0 && this.#running < this.#concurrency) {
      const writes = this.#queue.splice(0, this.#batchSize);
      this.#running += 1;
      void this.#writeAll(writes).finally(() => {
        this.#running -= 1;
        this.#sendQueued();
      });
    }
  }

  /** Sends a batch, and resolves or rejects each of its writes. */
  async #writeAll(writes: readonly Write[]): Promise<void> {
    const commands = writes.map(({ command }) => command);
    const waitMs = String(Math.max(1, Math.floor(this.#deadline.limitMs / 2)));
    const most = String(Math.max(...writes.map(({ replicas }) => replicas)));
    const wait = ["WAIT", most, waitMs];
    const sequence = [["CLIENT", "INFO"], ...commands, wait, ["CLIENT", "INFO"]];
    const key = writes[0]?.key ?? "";
    let connection: OwnConnection | undefined;
    try {
      const open = (connection = this.#connection ??= this.#adapter.ownConnection());
      const replies = await this.#deadline.run(() => open.sequence(key, sequence));
      const [before, reached, after] = [replies[0], ...replies.slice(-2)].map(orThrow);
      const isSame = identityOf(before) === identityOf(after);
      writes.forEach((write, position) => {
        const reply = replies[position + 1];
        if (isNativeError(reply)) write.reject(notReplicated(write, redactError(reply, write.command.slice(1))));
        else if (isSame && Number(reached) >= write.replicas) write.resolve(reply);
        else write.reject(notReplicated(write));
      });
    } catch (error) {
      if (this.#connection === connection) this.#connection = undefined;
      await connection?.close().catch(ignored("the connection of replicated writes was not closed"));
      const secrets = commands.flatMap((command) => command.slice(1));
      const cause = redactError(error, secrets);
      for (const write of writes) write.reject(notReplicated(write, cause));
    }
  }
}

function orThrow(reply: unknown): unknown {
  if (isNativeError(reply)) throw reply;
  return reply;
}

/** Returns the identity of a connection from `CLIENT INFO`: its id and both addresses, because ids restart with the server. */
function identityOf(info: unknown): string {
  const fields = new Map(
    String(info)
      .trim()
      .split(" ")
      .map((field) => field.split("=", 2) as [string, string]),
  );
  return ["id", "addr", "laddr"].map((name) => fields.get(name)).join(" ");
}

function notReplicated({ replicas }: Pick<Write, "replicas">, cause?: Error): LogoutError {
  return new LogoutError(
    "ERR_WRITE_NOT_REPLICATED",
    `Write not acknowledged by ${String(replicas)} replica(s) in time: a failover could undo it. Repeat the call.`,
    cause === undefined ? {} : { cause },
  );
}
