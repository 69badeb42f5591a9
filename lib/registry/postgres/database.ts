import { isNativeError } from "node:util/types";
import { LogoutError } from "../../errors.js";
import { digest } from "./names.js";
import type { Row } from "./records.js";
import { WRONG_ISOLATION } from "./schema.js";

/** The pool that the registry needs: the `Pool` of pg 8. A structural type, so that this package imports no driver. */
export interface PostgresPool {
  connect(): Promise<PostgresClient>;
}

/** A client of the pool. */
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

/** Returns a prepared statement. Two registries may share a connection, so the name is derived from the text. */
export function statement(text: string): Statement {
  return { name: `express_logout_${digest(text).toString("hex").slice(0, 24)}`, text };
}

const CLOCK = statement("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::text AS now");

const FIXES: Readonly<Record<string, string>> = {
  "42P01": "Tables are missing. Run the migration: see PostgresLoginRegistry.migration().",
  "42883": "Functions are missing. Run the migration: see PostgresLoginRegistry.migration().",
  "3F000": "The schema is missing. Create it, then run the migration: see PostgresLoginRegistry.migration().",
  [WRONG_ISOLATION]: 'Transactions must be READ COMMITTED. Reset the role\'s "default_transaction_isolation".',
};

/** Runs statements on connections of the pool, each within a time limit, and turns every failure into a `LogoutError`. */
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
   * Runs a statement whose first parameter is its deadline by the server's clock; a statement that runs later undoes itself.
   * Closing the connection would not be enough: a server that hung still executes what was sent before.
   */
  step(query: Statement, ...values: unknown[]): Promise<readonly Row[]> {
    return this.#run(async (client, deadline) => {
      const [clock] = (await client.query({ ...CLOCK })).rows;
      // The server read its clock before the reply arrived, so its deadline is never later than the one here.
      const serverDeadline = Number(clock?.["now"]) + deadline - performance.now();
      return (await client.query({ ...query, values: [serverDeadline, ...values] })).rows;
    });
  }

  /** Runs several statements in one message, and so in one transaction. */
  async script(text: string, timeoutMs: number): Promise<void> {
    await this.#run((client) => client.query({ text }), timeoutMs);
  }

  /** Takes a connection from the pool until it is released. */
  hold(): Promise<PostgresClient> {
    return this.#connect(performance.now() + this.timeoutMs);
  }

  async #run<Result>(
    work: (client: PostgresClient, deadline: number) => Promise<Result>,
    timeoutMs = this.timeoutMs,
  ): Promise<Result> {
    const deadline = performance.now() + timeoutMs;
    let client: PostgresClient | undefined;
    try {
      client = await this.#connect(deadline);
      const result = await inTime(work(client, deadline), deadline);
      release(client);
      return result;
    } catch (error) {
      // The connection may still be running a statement, so it must not return to the pool.
      if (client !== undefined) release(client, true);
      throw unavailable(error);
    }
  }

  async #connect(deadline: number): Promise<PostgresClient> {
    const connecting = this.#pool.connect();
    try {
      const client = await inTime(connecting, deadline);
      client.on("error", ignore);
      return client;
    } catch (error) {
      // A connection that arrives after the timeout goes back unused.
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

/** Returns the result of a promise, or rejects at the deadline. */
export async function inTime<Result>(promise: Promise<Result>, deadline: number): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error("no answer in time"));
    }, deadline - performance.now());
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** Handles `error` events of a client in use, which would otherwise end the process. Its query rejects with the same error. */
function ignore(): void {
  // The query reports the error.
}

function unavailable(error: unknown): LogoutError {
  const code = codeOf(error);
  const fix = FIXES[code ?? ""];
  return new LogoutError(
    "ERR_REGISTRY_UNAVAILABLE",
    fix === undefined ? "Login registry unavailable: see the cause." : `Login registry not ready. ${fix}`,
    { cause: withoutValues(error, code) },
  );
}

/**
 * Returns a copy of an error that is safe to log. Errors of the server may quote the values of a query, in the message or in
 * other fields; errors of the driver and the network do not.
 */
function withoutValues(error: unknown, code: string | undefined): Error {
  const isServers = isNativeError(error) && "severity" in error;
  const message = isNativeError(error) && !isServers ? error.message : `PostgreSQL: ${code ?? "unknown"}`;
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}

function codeOf(error: unknown): string | undefined {
  return isNativeError(error) && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
