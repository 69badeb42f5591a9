import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** A line to a port on which everything can be held up. */
export interface Link {
  readonly port: number;
  /** From now on nothing arrives; what is on the way is lost when the link is cut. */
  hold(): void;
  cut(): Promise<void>;
}

export async function startLink(to: number): Promise<Link> {
  const sockets = new Set<Socket>();
  let isHeld = false;
  const server = createServer((near) => {
    const far = connect(to, "127.0.0.1");
    for (const [from, into] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on("data", (chunk) => {
        if (!isHeld) into.write(chunk);
      });
      from.on("error", () => undefined);
      from.on("close", () => {
        sockets.delete(from);
        into.destroy();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    hold: () => {
      isHeld = true;
    },
    cut: async () => {
      if (!server.listening) return;
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, "close");
    },
  };
}
