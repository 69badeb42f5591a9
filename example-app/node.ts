// Processes of the example app, for the demos.
import { spawn, type ChildProcess } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { APP_ID, USER_POOL_ID } from "./config.js";

const ADMIN_TOKEN = "the token of the demo";

export interface Node {
  readonly origin: string;
  readonly process: ChildProcess;
}

export async function startNode(env: NodeJS.ProcessEnv, port?: number): Promise<Node> {
  const ownPort = String(port ?? (await freePort()));
  const node = spawn(process.execPath, [fileURLToPath(new URL("server.js", import.meta.url))], {
    env: { ...process.env, PORT: ownPort, ADMIN_TOKEN, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ready = once(node.stdout, "data");
  const ended = once(node, "exit").then(() => {
    throw new Error("The example app ended before it was ready.");
  });
  await Promise.race([ready, ended]);
  ended.catch(() => undefined);
  return { origin: `http://localhost:${ownPort}`, process: node };
}

/** A free port, below the ports that systems give to clients. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(15_000, 32_000);
    const server = createServer().listen(port);
    try {
      await once(server, "listening");
    } catch {
      continue;
    }
    server.close();
    await once(server, "close");
    return port;
  }
}

/** A request of a back end. */
export async function admin(node: Node, path: string, body?: object): Promise<Response> {
  return fetch(`${node.origin}/api/applications/${APP_ID}/${path}`, {
    headers: {
      authorization: `Bearer ${ADMIN_TOKEN}`,
      "x-authing-userpool-id": USER_POOL_ID,
      "content-type": "application/json",
    },
    ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
  });
}

export async function loginsOfAlice(node: Node): Promise<string> {
  const { data } = (await (await admin(node, "active-users")).json()) as {
    data: { list: { id: string; loginsCount: number }[] };
  };
  return `${String(data.list.find(({ id }) => id === "alice")?.loginsCount ?? 0)} logins`;
}
