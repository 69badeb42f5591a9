import { isNativeError } from "node:util/types";
import { LogoutError } from "../../errors.js";
import { digest } from "./names.js";
import type { Row } from "./records.js";
import { WRONG_ISOLATION } from "./schema.js";

/**
 * What is asked of a pool: the `Pool` of pg 8 is one. It is described by its shape, so that this package imports no driver
 * and no version's types.
 */
export interface PostgresPool {
  connect(): Promise<PostgresClient>;
}

/** What is asked of a client from the pool. */
export interface PostgresClient {
  query(query: { name?: string; text: string; values?: unknown[] }): Promise<{ rows: Record<string, unknown>[] }>;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "notification", listener: (message: { channel: string; payload?: string | undefined }) => void): unknown;
  off(event: "error", listener: (error: Error) => void): unknown;
  release(destroy?: boolean): void;
}

/** A statement that each connection prepares once. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** Two registries may share a connection: the name tells their statements apart. */
export function statement(text: string): Statement {
  return { name: `express_logout_${digest(text).toString("hex").slice(0, 24)}`, text };
}

const CLOCK = statement("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::text AS now");

const FIXES: Readonly<Record<string, string>> = {
  "42P01": "Its tables are not there: run the migration, see PostgresLoginRegistry.migration().",
  "42883": "Its functions are not there: run the migration, see PostgresLoginRegistry.migration().",
  "3F000": "Its schema is not there: create it, then run the migration, see PostgresLoginRegistry.migration().",
  [WRONG_ISOLATION]: 'It needs transactions in READ COMMITTED: take back the role\'s "default_transaction_isolation".',
};

/** Runs statements, each within a time limit on a connection from the pool; whatever goes wrong becomes one kind of error. */
export class Database {
  readonly #pool: PostgresPool;
  readonly timeoutMs: number;

  constructor(pool: PostgresPool, timeoutMs: number) {
    this.#pool = pool;
    this.timeoutMs = timeoutMs;
  }

  /** Runs a statement that changes nothing. */
  read(query: Statement, ...values: unknown[]): Promise<readonly Row[]> {
    return this.#run(async (client) => (await client.query({ ...query, values })).rows);
  }

  /**
   * Runs a statement whose first parameter is the moment, by the clock of the server, when it is given up here: what comes
   * too late undoes itself. A connection that is cut off is not enough, since what is on its way to a server that hangs is
   * still carried out when it comes to.
   */
  step(query: Statement, ...values: unknown[]): Promise<readonly Row[]> {
    return this.#run(async (client, givenUpAt) => {
      const [clock] = (await client.query({ ...CLOCK })).rows;
      // The clock was read before its answer came: the deadline is never later than the moment it stands for.
      const deadline = Number(clock?.["now"]) + givenUpAt - performance.now();
      return (await client.query({ ...query, values: [deadline, ...values] })).rows;
    });
  }

  /** Runs several statements in one message, and so in one transaction. */
  async script(text: string, timeoutMs: number): Promise<void> {
    await this.#run((client) => client.query({ text }), timeoutMs);
  }

  /** A connection that is held until it is released. */
  hold(): Promise<PostgresClient> {
    return this.#connect(performance.now() + this.timeoutMs);
  }

  async #run<Result>(
    work: (client: PostgresClient, givenUpAt: number) => Promise<Result>,
    timeoutMs = this.timeoutMs,
  ): Promise<Result> {
    const givenUpAt = performance.now() + timeoutMs;
    let client: PostgresClient | undefined;
    try {
      client = await this.#connect(givenUpAt);
      const result = await inTime(work(client, givenUpAt), givenUpAt);
      release(client);
      return result;
    } catch (error) {
      // Nobody else is given a connection of which it is not known what it is still doing.
      if (client !== undefined) release(client, true);
      throw unavailable(error);
    }
  }

  async #connect(givenUpAt: number): Promise<PostgresClient> {
    const connecting = this.#pool.connect();
    try {
      const client = await inTime(connecting, givenUpAt);
      client.on("error", ignore);
      return client;
    } catch (error) {
      // One that comes after all goes back unused.
      connecting.then((client) => {
        client.release();
      }, ignore);
      throw error;
    }
  }
}

export function release(client: PostgresClient, destroy?: true): void {
  client.release(destroy);
  client.off("error", ignore);
}

/** The promise, unless the moment comes first. */
export async function inTime<Result>(promise: Promise<Result>, givenUpAt: number): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error("no answer in time"));
    }, givenUpAt - performance.now());
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A client that is in use throws its `error` events where nobody listens; its query has been told already. */
function ignore(): void {
  // nothing to do
}

function unavailable(error: unknown): LogoutError {
  const code = codeOf(error);
  const fix = FIXES[code ?? ""];
  return new LogoutError(
    "ERR_REGISTRY_UNAVAILABLE",
    fix === undefined ? "The login registry did not answer: see the cause." : `The login registry cannot work. ${fix}`,
    { cause: withoutValues(error, code) },
  );
}

/**
 * What is safe to log of an error. Those of the server may quote the values of a query, in the message or in a dozen other
 * fields; those of the driver and the network do not.
 */
function withoutValues(error: unknown, code: string | undefined): Error {
  const isServers = isNativeError(error) && "severity" in error;
  const message = isNativeError(error) && !isServers ? error.message : `PostgreSQL: ${code ?? "unknown"}`;
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}

function codeOf(error: unknown): string | undefined {
  return isNativeError(error) && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
