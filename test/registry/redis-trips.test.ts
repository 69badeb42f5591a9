import { RedisStore } from "connect-redis";
import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { logout } from "../../lib/index.js";
import { RedisLoginRegistry } from "../../lib/registry/redis/index.js";
import * as scripts from "../../lib/registry/redis/scripts/bundle.js";
import { WRITE_TOMBSTONES } from "../../lib/session/store/scripts/bundle.js";
import { Gate } from "../support/gate.js";
import { Browser, serve } from "../support/http.js";
import { raceApp } from "../support/race-app.js";
import { connectTo, startRedis, type RedisServer } from "../support/redis-server.js";

let server: RedisServer;
let client: Awaited<ReturnType<typeof connectTo>>;
beforeAll(async () => {
  server = await startRedis();
  client = await connectTo(server);
});
afterAll(async () => {
  client.destroy();
  await server.stop();
});

const SCRIPTS = Object.entries({ ...scripts, WRITE_TOMBSTONES });

function nameOf([command = "", script = ""]: readonly string[]): string {
  const [name] = SCRIPTS.find(([, { sha, source }]) => [sha, source].includes(script)) ?? [];
  return name ?? command;
}

/** Records the commands of a client: those that it sends before the replies to others arrive are one trip. */
function recordTrips(): string[][] {
  const trips: string[][] = [];
  let inFlight = 0;
  const recorded = async <Reply>(args: readonly string[], send: () => Promise<Reply>): Promise<Reply> => {
    if (inFlight === 0) trips.push([]);
    trips.at(-1)?.push(nameOf(args));
    inFlight += 1;
    try {
      return await send();
    } finally {
      inFlight -= 1;
    }
  };
  const sendCommand = client.sendCommand.bind(client) as (args: string[], options?: object) => Promise<unknown>;
  const runScript = client.eval.bind(client) as (source: string, options?: object) => Promise<unknown>;
  Object.assign(client, {
    sendCommand: (args: string[], options?: object) => recorded(args, () => sendCommand(args, options)),
    eval: (source: string, options?: object) => recorded(["EVAL", source], () => runScript(source, options)),
  });
  return trips;
}

it("a kick of a user takes five trips to Redis", async () => {
  const store = new RedisStore({ client });
  const auth = logout({ store, registry: new RedisLoginRegistry({ client }), appId: "shop" });
  const site = await serve(
    raceApp({ store, settings: { resave: false, saveUninitialized: false }, gate: new Gate(), auth }),
  );
  const trips = recordTrips();
  const kick = async (userId: string): Promise<string[][]> => {
    const browser = new Browser(site.url);
    await browser.post("/login", { user: userId });
    trips.splice(0);
    await auth.kick(userId);
    const taken = trips.splice(0);
    expect((await browser.get("/me")).status).toBe(401);
    return taken;
  };
  try {
    // The first one loads the scripts, and asks for the number of the database.
    await kick("bob");
    expect(await kick("alice")).toEqual([
      ["INDEX_SCORES"],
      ["REMOVE_ALL"],
      ["WRITE_TOMBSTONES"],
      ["FINISH_KICK"],
      ["INDEX_DROP"],
    ]);
  } finally {
    await site.close();
    await auth.close();
  }
});
