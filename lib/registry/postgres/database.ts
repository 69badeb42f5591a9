import { LogoutError } from "../../errors.js";
import { codeOf, unavailable } from "./errors.js";
import { digest, type Names } from "./names.js";
import type { Row } from "./records.js";
import { checkSchema, WRONG_SCHEMA } from "./schema.js";

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

/** Runs statements on connections of the pool, each within a time limit, and turns every failure into a `LogoutError`. */
export class Database {
  readonly #pool: PostgresPool;
  readonly #names: Names;
  /** Whether this release is known to be able to use the schema. */
  #isSchemaChecked = false;
  readonly timeoutMs: number;

  constructor(pool: PostgresPool, timeoutMs: number, names: Names) {
    this.#pool = pool;
    this.timeoutMs = timeoutMs;
    this.#names = names;
  }

  /** Runs a statement that changes nothing. */
  read(query: Statement, ...values: unknown[]): Promise<readonly Row[]> {
    return this.#run(async (client) => {
      await this.#checkSchemaOnce(client);
      return (await client.query({ ...query, values })).rows;
    });
  }

  /**
   * Runs a statement whose first parameter is its deadline by the server's clock; a statement that runs later undoes itself.
   * Closing the connection would not be enough: a server that hung still executes what was sent before.
   */
  step(query: Statement, ...values: unknown[]): Promise<readonly Row[]> {
    return this.#run(async (client, deadline) => {
      await this.#checkSchemaOnce(client);
      const [clock] = (await client.query({ ...CLOCK })).rows;
      // The server read its clock before the reply arrived, so its deadline is never later than the one here.
      const serverDeadline = Number(clock?.["now"]) + deadline - performance.now();
      return (await client.query({ ...query, values: [serverDeadline, ...values] })).rows;
    });
  }

  /** @throws LogoutError `ERR_REGISTRY_SCHEMA` if this release cannot use the schema. */
  async checkSchema(): Promise<void> {
    await this.#run((client) => checkSchema(client, this.#names));
  }

  /** Runs a statement that needs no schema. */
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
      if (WRONG_SCHEMA.includes(codeOf(error) ?? "")) this.#isSchemaChecked = false;
      throw LogoutError.is(error) ? error : unavailable(error);
    }
  }

  /** Checks the schema until it has been found right, and again after an error that another schema may have caused. */
  async #checkSchemaOnce(client: PostgresClient): Promise<void> {
    if (this.#isSchemaChecked) return;
    await checkSchema(client, this.#names);
    this.#isSchemaChecked = true;
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
