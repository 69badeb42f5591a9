import { subscribe } from "node:diagnostics_channel";
import type { LogoutMiddleware } from "express-logout";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** What the channels publish, as far as it is counted. A label never holds a user id, a login id or an address. */
interface Message {
  readonly appId: string;
  readonly cause: string;
  readonly loginIds: readonly string[];
  readonly method: string;
  readonly error?: Error & { readonly code?: unknown };
}

/** Counts what happens in this process, for every `logout()` in it. Call it once. */
export function countLogins(register: Registry): void {
  const counter = (channel: string, name: string, help: string, labels: "cause"[], by = (_: Message) => 1) => {
    const labelNames = ["app_id", ...labels];
    const total = new Counter({ name: `express_logout_${name}_total`, help, labelNames, registers: [register] });
    subscribe(`express-logout:${channel}`, (each) => {
      const message = each as Message;
      const values = Object.fromEntries(labels.map((label) => [label, message[label]]));
      total.inc({ app_id: message.appId, ...values }, by(message));
    });
  };
  counter("login", "logins", "Logins that began", []);
  counter("logout", "logouts", "Logins that the user or the app ended", []);
  counter("rejected", "rejections", "Requests of ended logins", ["cause"]);
  // The channel has each kick once, in the process that made it.
  const ended = "Logins that a kick, a limit or a lifetime ended";
  counter("kick", "kicked_logins", ended, ["cause"], ({ loginIds }) => loginIds.length);

  const histogram = (channel: string, help: string, buckets: number[]) => {
    const name = `express_logout_${channel}_duration_seconds`;
    const labelNames = ["app_id", "method", "error_type"];
    const duration = new Histogram({ name, help, labelNames, buckets, registers: [register] });
    const timers = new WeakMap<object, ReturnType<typeof duration.startTimer>>();
    const on = (step: string, act: (call: unknown) => void) => {
      subscribe(`tracing:express-logout:${channel}:${step}`, act);
    };
    on("start", (call) => timers.set(call as object, duration.startTimer()));
    on("asyncEnd", (call) => {
      const { appId, method, error } = call as Message;
      const code = String(error?.code);
      const error_type = error && (/^ERR_[A-Z_]+$/.test(code) ? code : "_OTHER");
      timers.get(call as object)?.({ app_id: appId, method, ...(error_type && { error_type }) });
    });
  };
  const ofRegistry = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
  histogram("registry", "Time of a call of the registry", ofRegistry);
  const ofKicks = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60];
  histogram("kick", "Time of a kick, of all its users", ofKicks);
}

/** Exports the number of users online in all processes: read at each scrape, absent while the registry fails. */
export function countOnline(auth: LogoutMiddleware, appId: string, register: Registry): void {
  const name = "express_logout_online";
  new Gauge({
    name,
    help: "Users online, in all processes of the app",
    labelNames: ["app_id"],
    registers: [register],
    async collect() {
      this.reset();
      const { total } = await auth.listActiveUsers({ limit: 1 }).catch(() => ({ total: undefined }));
      if (total !== undefined) this.set({ app_id: appId }, total);
    },
  });
}
