import { nextTick } from "node:process";
import { isNativeError } from "node:util/types";
import { LogoutError } from "../../errors.js";
import type { Deadline } from "../../util/deadline.js";
import { redactError } from "../../util/redact-error.js";
import type { OwnConnection, RedisAdapter } from "./clients/index.js";

/** How many writes one `WAIT` stands for at most. */
const WRITES_AT_ONCE = 500;
/** In a Cluster each write may be for another master, and is waited for by itself: so many at once. */
const WAITS_AT_ONCE = 8;

interface Write {
  readonly key: string;
  readonly command: readonly string[];
  readonly replicas: number;
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: LogoutError) => void;
}

/**
 * Writes that count only once replicas have them.
 *
 * `WAIT` speaks of the writes of the connection it is sent on. Sent on another than the write was, because the client has
 * reconnected in between, it confirms nothing, and says at once how many replicas there are. So both are asked who they are,
 * and an answer counts only if nothing has changed. It blocks its connection, which is why that is not the app's.
 *
 * Since each takes as long as a replica takes to answer, what comes while one is under way goes together in the next.
 */
export class ReplicatedWrites {
  readonly #adapter: RedisAdapter;
  readonly #limit: Deadline;
  readonly #writesAtOnce: number;
  readonly #waitsAtOnce: number;
  readonly #waiting: Write[] = [];
  #underWay = 0;
  #isClosed = false;
  #connection: OwnConnection | undefined;

  constructor(adapter: RedisAdapter, limit: Deadline) {
    this.#adapter = adapter;
    this.#limit = limit;
    this.#writesAtOnce = adapter.isCluster ? 1 : WRITES_AT_ONCE;
    this.#waitsAtOnce = adapter.isCluster ? WAITS_AT_ONCE : 1;
  }

  /** @throws LogoutError `ERR_NOT_REPLICATED`: the write may have been done, or not, but too few replicas are known to have it. */
  write(key: string, command: readonly string[], replicas: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const givenUp = (): void => {
        // What still waits is not sent any more.
        const position = this.#waiting.indexOf(write);
        if (position >= 0) this.#waiting.splice(position, 1);
        reject(notReplicated(write, this.#limit.error()));
      };
      const started = this.#limit.start(givenUp);
      const write: Write = {
        key,
        command,
        replicas,
        resolve: (reply) => {
          this.#limit.done(started);
          resolve(reply);
        },
        reject: (error) => {
          this.#limit.done(started);
          reject(error);
        },
      };
      if (this.#isClosed) {
        write.reject(notReplicated(write));
        return;
      }
      this.#waiting.push(write);
      nextTick(() => {
        this.#goOn();
      });
    });
  }

  /** A registry may be used again after a close. */
  open(): void {
    this.#isClosed = false;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const write of this.#waiting.splice(0)) write.reject(notReplicated(write));
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.close();
  }

  #goOn(): void {
    while (this.#waiting.length > 0 && this.#underWay < this.#waitsAtOnce) {
      const writes = this.#waiting.splice(0, this.#writesAtOnce);
      this.#underWay += 1;
      void this.#writeAll(writes).finally(() => {
        this.#underWay -= 1;
        this.#goOn();
      });
    }
  }

  /** Each gets its own reply, or why it has none. */
  async #writeAll(writes: readonly Write[]): Promise<void> {
    const commands = writes.map(({ command }) => command);
    const waitMs = String(Math.max(1, Math.floor(this.#limit.limitMs / 2)));
    const most = String(Math.max(...writes.map(({ replicas }) => replicas)));
    const wait = ["WAIT", most, waitMs];
    const sequence = [["CLIENT", "INFO"], ...commands, wait, ["CLIENT", "INFO"]];
    const key = writes[0]?.key ?? "";
    let connection: OwnConnection | undefined;
    try {
      const open = (connection = this.#connection ??= this.#adapter.ownConnection());
      const replies = await this.#limit.run(() => open.sequence(key, sequence));
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
      await connection?.close().catch(() => undefined);
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

function notReplicated({ replicas }: Pick<Write, "replicas">, cause?: Error): LogoutError {
  return new LogoutError(
    "ERR_NOT_REPLICATED",
    `Redis did not confirm in time that ${String(replicas)} replica(s) have it: a failover might undo it. Repeat the call.`,
    cause === undefined ? {} : { cause },
  );
}
