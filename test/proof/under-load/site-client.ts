import { once } from "node:events";
import { Agent, request, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";

export interface ClientAnswer {
  /** 0: there was none. */
  readonly status: number;
  readonly location: string | undefined;
  /** The session cookie that was set, `""` if it was cleared. */
  readonly cookie: string | undefined;
  readonly body: string;
  /** When it was sent, and when the answer had come. */
  readonly began: number;
  readonly ended: number;
}

export interface Sent {
  readonly cookie?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The server has closed an idle connection while a request was on the way. Browsers send such a request again too. */
class IdleConnectionClosed extends Error {}

/** Sends requests to one node, over connections that are kept. */
export class SiteClient {
  readonly #origin: string;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(origin: string) {
    this.#origin = origin;
  }

  async send(method: "GET" | "POST", path: string, sent: Sent = {}): Promise<ClientAnswer> {
    const began = performance.now();
    try {
      const { answer, received } = await this.#exchange(method, path, sent);
      const set = answer.headers["set-cookie"]?.find((each) => each.startsWith("connect.sid="));
      return {
        status: answer.statusCode ?? 0,
        location: answer.headers.location,
        cookie: set && (set.includes("Expires=Thu, 01 Jan 1970") ? "" : set.split(";")[0]),
        body: received,
        began,
        ended: performance.now(),
      };
    } catch (error) {
      if (error instanceof IdleConnectionClosed) return this.send(method, path, sent);
      return { status: 0, location: undefined, cookie: undefined, body: "", began, ended: performance.now() };
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #exchange(
    method: string,
    path: string,
    { cookie, headers = {}, body }: Sent,
  ): Promise<{ answer: IncomingMessage; received: string }> {
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const sending = request(this.#origin + path, {
      method,
      agent: this.#agent,
      headers: { accept: "text/html", ...length, ...headers, ...(cookie && { cookie }) },
    });
    sending.end(body);
    const [answer] = (await once(sending, "response").catch((error: unknown) => {
      throw sending.reusedSocket ? new IdleConnectionClosed() : error;
    })) as [IncomingMessage];
    return { answer, received: await text(answer) };
  }
}
