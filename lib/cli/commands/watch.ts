import { once } from "node:events";
import process from "node:process";
import type { EndedLogins } from "../../types/registry.js";
import { argumentsError, EXIT } from "../errors.js";
import { openRegistry, type Place } from "../registry.js";
import { counted, printable, terminal } from "../terminal.js";

const CHECK_INTERVAL_MS = 5_000;

/** `watch` */
export async function watch(
  args: readonly string[],
  { json = false, ...place }: Place & { readonly json?: boolean | undefined },
): Promise<number> {
  if (args.length > 0) throw argumentsError("watch takes no arguments.");
  const { appId, registry, close } = await openRegistry(place);
  // The timers of a subscription keep no process alive.
  const alive = setInterval(() => undefined, CHECK_INTERVAL_MS);
  const listener = {
    ended: (ended: EndedLogins) => {
      print(ended, json);
    },
    connected: () => {
      terminal.note(`Watching ${printable(appId)}. Stop with Ctrl+C.`);
    },
    disconnected: () => {
      terminal.note("The connection is lost: ends are missed until it is back.");
    },
    gap: () => undefined,
  };
  const subscription = registry.subscribe(listener, { checkIntervalMs: CHECK_INTERVAL_MS });
  try {
    await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
    return EXIT.done;
  } finally {
    clearInterval(alive);
    await subscription.close();
    await close();
  }
}

function print({ userId, loginIds, kick }: EndedLogins, isJson: boolean): void {
  const cause = kick?.cause ?? "logout";
  const at = (kick?.at ?? new Date()).toISOString();
  if (isJson) {
    terminal.json({ at, cause, userId, loginIds, by: kick?.by, reason: kick?.reason });
    return;
  }
  const by = kick?.by === undefined ? "" : ` by ${kick.by}`;
  const reason = kick?.reason === undefined ? "" : `: ${kick.reason}`;
  terminal.data(printable(`${at}  ${cause}  ${userId}  ${counted(loginIds.length, "login")}${by}${reason}`));
}
