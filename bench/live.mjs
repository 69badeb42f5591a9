// npm run bench:live: how soon a socket on one node closes once its login has been kicked on another.
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { WebSocket } from "ws";
import { readOptions } from "./support/options.mjs";
import { note, print } from "./support/print.mjs";
import { startRedis } from "./support/redis.mjs";
import { quantile, shuffler } from "./support/rounds.mjs";
import { startArm } from "./support/start-arm.mjs";

const MOST = 3;
/** A notification that has not arrived by then counts as lost. */
const PATIENCE_MS = 10_000;
const options = readOptions({ rounds: 25, quickRounds: 1 });
const count = options.quick ? 100 : 1_000;

const redis = await startRedis();
const closing = [() => redis.close()];
try {
  const start = (name) => startArm({ name, module: "live-node", settings: { redisPort: redis.port, prefix: "live:" } });
  const kicking = await start("the node that kicks");
  closing.unshift(() => kicking.close?.());
  const holding = await start("the node that holds the sockets");
  closing.unshift(() => holding.close?.());
  const { unavailable } = kicking;
  const samples = { close: [], floor: [] };
  if (unavailable === undefined) {
    const shuffle = shuffler(options.seed);
    for (let round = 0; round < options.rounds; round += 1) {
      const users = Array.from({ length: count }, (_value, index) => `user-${round}-${index}`);
      await openSockets(holding, users);
      for (const userId of users) {
        for (const what of shuffle(["close", "floor"])) {
          samples[what].push(await measure(what, { kicking, holding, userId }));
        }
      }
      note(`round ${round + 1} of ${options.rounds}`);
    }
  }
  print({
    bench: "live",
    method: `${options.rounds} rounds: every socket's user kicked in turn, and a bare publish beside each, in shuffled order. One clock for both processes.`,
    options,
    rows: unavailable === undefined ? rowsOf(samples) : [{ what: "close", unavailable }],
  });
} finally {
  for (const close of closing) await close();
}

async function openSockets(node, users) {
  for (const userId of users) {
    const cookie = await node.ask("logIn", userId);
    const socket = new WebSocket(node.origin.replace("http", "ws"), { headers: { cookie } });
    socket.on("error", () => undefined);
    await once(socket, "open");
  }
}

async function measure(what, { kicking, holding, userId }) {
  const [action, seen] = what === "close" ? ["kick", "closedAt"] : ["publish", "heardAt"];
  const { called, answered } = await kicking.ask(action, userId);
  for (const began = Date.now(); Date.now() - began < PATIENCE_MS; await setTimeout(1)) {
    const at = await holding.ask(seen, userId);
    if (at !== undefined) return { sinceCallMs: (at - called) / 1e3, sinceAnswerMs: (at - answered) / 1e3 };
  }
  throw new Error(`${userId}: nothing was seen of the ${action} within ${PATIENCE_MS} ms.`);
}

function rowsOf({ close, floor }) {
  const row = (what, times) => ({ what, p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99) });
  const since = (samples, name) => samples.map((sample) => sample[name]);
  const base = row("floor: publish to subscriber", since(floor, "sinceCallMs"));
  const compare = (compared) => ({ ...compared, toFloor: compared.p99Ms / base.p99Ms });
  const fromAnswer = compare(row("close, since the kick's answer", since(close, "sinceAnswerMs")));
  return [
    base,
    { ...fromAnswer, target: `≤ ${MOST}`, met: fromAnswer.toFloor <= MOST },
    compare(row("close, since the kick's call", since(close, "sinceCallMs"))),
  ];
}
