import { LogoutError } from "../../errors.js";
import type { TimeLimit } from "../../time-limit.js";
import { causeOf } from "../../cause.js";
import type { OwnConnection, RedisAdapter } from "./clients/index.js";

/**
 * Writes that count only once replicas have them.
 *
 * `WAIT` speaks of the writes of the connection it is sent on. Sent on another than the write was, because the client has
 * reconnected in between, it confirms nothing, and says at once how many replicas there are. So both are asked who they are,
 * and an answer counts only if nothing has changed. It blocks its connection, which is why that is not the app's.
 */
export class ReplicatedWrites {
  readonly #adapter: RedisAdapter;
  readonly #limit: TimeLimit;
  #connection: OwnConnection | undefined;

  constructor(adapter: RedisAdapter, limit: TimeLimit) {
    this.#adapter = adapter;
    this.#limit = limit;
  }

  /** @throws LogoutError `ERR_NOT_REPLICATED`: the write may have been done, or not, but too few replicas are known to have it. */
  async write(key: string, command: readonly string[], replicas: number): Promise<unknown> {
    const connection = (this.#connection ??= this.#adapter.ownConnection());
    const waitMs = String(Math.max(1, Math.floor(this.#limit.limitMs / 2)));
    const commands = [["CLIENT", "INFO"], command, ["WAIT", String(replicas), waitMs], ["CLIENT", "INFO"]];
    let replies: readonly unknown[];
    try {
      replies = await this.#limit.within(() => connection.sequence(key, commands));
    } catch (error) {
      if (this.#connection === connection) this.#connection = undefined;
      await connection.close().catch(() => undefined);
      throw notReplicated(replicas, causeOf(error, command.slice(1)));
    }
    const [before, reply, reached, after] = replies;
    const isSame = identityOf(before) === identityOf(after);
    if (!isSame || Number(reached) < replicas) throw notReplicated(replicas);
    return reply;
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.close();
  }
}

/** Which connection an answer to `CLIENT INFO` speaks of: its number, and both its ends, since numbers start anew with Redis. */
function identityOf(info: unknown): string {
  const fields = new Map(
    String(info)
      .trim()
      .split(" ")
      .map((field) => field.split("=", 2) as [string, string]),
  );
  return ["id", "addr", "laddr"].map((name) => fields.get(name)).join(" ");
}

function notReplicated(replicas: number, cause?: Error): LogoutError {
  return new LogoutError(
    "ERR_NOT_REPLICATED",
    `Redis did not confirm in time that ${String(replicas)} replica(s) have it: a failover might undo it. Repeat the call.`,
    cause === undefined ? {} : { cause },
  );
}
