import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** The way from one node to Redis, which can be cut, held up and slowed. Nothing on it is ever lost but by a cut. */
export interface Network {
  readonly port: number;
  /** Ends every connection, and takes no other until {@link Network.mend}. */
  cut(): void;
  /** Ends every connection; new ones are taken. */
  drop(): void;
  /** Stops all data, in both directions. Data sent meanwhile arrives after {@link Network.mend}. */
  holdUp(): void;
  /** Lets everything arrive so much later. */
  slow(delayMs: number): void;
  mend(): void;
  close(): Promise<void>;
}

export async function startNetwork(to: number): Promise<Network> {
  const sockets = new Set<Socket>();
  const waiting: (() => void)[] = [];
  let isCut = false;
  let isHeldUp = false;
  let delayMs = 0;

  const carry = (from: Socket, into: Socket): void => {
    sockets.add(from);
    // In order, regardless of the present delay.
    let last = Promise.resolve();
    const arrive = (what: () => void): void => {
      const passed = passage();
      last = last.then(() => passed).then(what);
    };
    from.on("data", (chunk) => arrive(() => void into.write(chunk)));
    from.on("end", () => arrive(() => void into.end()));
    from.on("error", () => undefined);
    from.on("close", () => {
      sockets.delete(from);
      arrive(() => into.destroySoon());
    });
  };
  const passage = async (): Promise<void> => {
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    if (isHeldUp) await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const drop = (): void => {
    for (const socket of sockets) {
      // A reset while its end is under way leaves Node with a handle that never closes, and its process without an end.
      if (socket.writableEnded) socket.destroy();
      else socket.resetAndDestroy();
    }
  };

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    if (isCut) {
      near.resetAndDestroy();
      return;
    }
    const far = connect({ port: to, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    carry(near, far);
    carry(far, near);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const mend = (): void => {
    isCut = false;
    isHeldUp = false;
    delayMs = 0;
    for (const pass of waiting.splice(0)) pass();
  };
  return {
    port: address.port,
    drop,
    mend,
    cut: () => {
      isCut = true;
      drop();
    },
    holdUp: () => {
      isHeldUp = true;
    },
    slow: (ms) => {
      delayMs = ms;
    },
    close: async () => {
      mend();
      drop();
      server.close();
      await once(server, "close");
    },
  };
}
