import { spawn } from "node:child_process";
import { once } from "node:events";
import { freePort } from "../../support/free-port.js";
import { SiteClient } from "./site-client.js";

/** From the root of the package, in which npm and Jest run. */
const SERVER = "example-app/dist/server.js";

/** Answers each message with the memory in use, after a garbage collection. */
const PROBE = `process.on("message", () => {
  gc();
  const { heapUsed, rss } = process.memoryUsage();
  process.send({ heapUsed, rss });
}); process.channel.unref();`;

export interface Memory {
  readonly heapUsed: number;
  readonly rss: number;
}

export interface NodeOptions {
  readonly redisPort: number;
  readonly adminToken: string;
  readonly customers: number;
  /** Knows its logins by Redis's invalidations, instead of asking for each. */
  readonly coherentCache: boolean;
}

/** A process of the example app. */
export class AppNode {
  readonly client: SiteClient;
  readonly #process: ReturnType<typeof spawn>;
  readonly #lines = new Set<string>();
  #rest = "";
  #hasExited = false;

  private constructor(child: ReturnType<typeof spawn>, origin: string) {
    this.#process = child;
    this.client = new SiteClient(origin);
    child.stderr?.on("data", (chunk: Buffer) => {
      const lines = (this.#rest + chunk.toString()).split("\n");
      this.#rest = lines.pop() ?? "";
      for (const line of lines) this.#lines.add(line);
    });
    child.once("exit", () => {
      this.#hasExited = true;
    });
  }

  static async start({ redisPort, adminToken, customers, coherentCache }: NodeOptions): Promise<AppNode> {
    const port = await freePort();
    const probe = `data:text/javascript,${encodeURIComponent(PROBE)}`;
    const child = spawn(process.execPath, ["--expose-gc", "--import", probe, SERVER], {
      env: {
        PATH: process.env["PATH"],
        PORT: String(port),
        REDIS_URL: `redis://127.0.0.1:${String(redisPort)}`,
        ADMIN_TOKEN: adminToken,
        CUSTOMERS: String(customers),
        SLOW_MS: "100",
        ...(coherentCache && { COHERENT_CACHE: "1" }),
      },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    const node = new AppNode(child, `http://localhost:${String(port)}`);
    const ended = once(child, "exit").then(() => {
      throw new Error(`The example app has ended before it was ready: ${node.stderr.join("\n")}`);
    });
    if (child.stdout === null) throw new Error("no output");
    await Promise.race([once(child.stdout, "data"), ended]);
    ended.catch(() => undefined);
    child.stdout.resume();
    return node;
  }

  /** Every line that it has written to its standard error, once. */
  get stderr(): readonly string[] {
    return [...this.#lines, this.#rest];
  }

  get hasExited(): boolean {
    return this.#hasExited;
  }

  async memory(): Promise<Memory> {
    const answered = once(this.#process, "message");
    this.#process.send("memory");
    const [memory] = (await answered) as [Memory];
    return memory;
  }

  async stop(): Promise<void> {
    this.client.close();
    if (this.#hasExited) return;
    const exited = once(this.#process, "exit");
    this.#process.kill();
    await exited;
  }
}
