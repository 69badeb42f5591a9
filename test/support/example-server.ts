import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { freePort } from "./free-port.js";

const ADMIN_TOKEN = "the token of the browser tests";

/** Where the example app keeps sessions and logins (default: memory), and how it runs. */
export interface ExamplePlace {
  readonly REDIS_URL?: string;
  /** The SQLite file of the logins. */
  readonly LOGINS?: string;
  readonly SESSION_SECRET?: string;
  /** The file of the audit log. */
  readonly AUDIT_LOG?: string;
  /** How recent a password check must be before someone ends other logins, in milliseconds. Default: 10 minutes. */
  readonly FRESH_MS?: string;
  /** The port of the identity provider beside the app, as `npm run start:oidc` has one. Default: there is none. */
  readonly OIDC_PORT?: string;
}

export interface Example {
  readonly origin: string;
  /** Forces users offline, as a back end does. */
  readonly kick: (userIds: readonly string[]) => Promise<void>;
  readonly stop: () => Promise<void>;
  /** Ends the process at once: it can finish nothing. */
  readonly kill: () => Promise<void>;
}

/** The example app, as `npm start` or `npm run start:oidc` runs it, on a free port. */
export async function startExample(place: ExamplePlace = {}): Promise<Example> {
  const { REDIS_URL: _ours, LOGINS: _oursToo, ...env } = process.env;
  const port = await freePort();
  const script = place.OIDC_PORT === undefined ? "server.js" : "start-oidc.js";
  const app = spawn(process.execPath, [join(__dirname, "../../example-app/dist", script)], {
    env: { ...env, PORT: String(port), ADMIN_TOKEN, ...place },
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(app.stdout, "data");
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const exited = once(app, "exit");
    app.kill(signal);
    await exited;
  };
  const origin = `http://localhost:${String(port)}`;
  const kick = async (userIds: readonly string[]): Promise<void> => {
    const { status } = await fetch(`${origin}/api/applications/shop/kick-active-users`, {
      method: "POST",
      headers: { authorization: ADMIN_TOKEN, "x-authing-userpool-id": "acme", "content-type": "application/json" },
      body: JSON.stringify({ userIds }),
    });
    if (status !== 200) throw new Error(`the kick was answered ${String(status)}`);
  };
  return { origin, kick, stop: () => end("SIGTERM"), kill: () => end("SIGKILL") };
}
