import type { TracingChannel } from "node:diagnostics_channel";
import type { Histogram, Meter, ObservableResult } from "@opentelemetry/api";
import type { LogoutEvents } from "../logins/events.js";
import type { LogoutMiddleware } from "../controls.js";
import { kickCalls, registryCalls, type KickCall, type RegistryCall } from "../operation/channels.js";
import { within } from "../operation/health.js";
import { debugError } from "../util/debug.js";
import { errorType } from "./error-type.js";
import { listen } from "./listen.js";

const ANSWERS_WITHIN_MS = 2_000;
/** In seconds. The default of OpenTelemetry is for milliseconds. A call of a registry takes less than one, a kick of all users minutes. */
const REGISTRY_BOUNDARIES = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const KICK_BOUNDARIES = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60];

export interface Measured {
  readonly appId: string;
  readonly auth: Pick<LogoutMiddleware, "listActiveUsers">;
  readonly meter: Meter;
}

/** Publishes the metrics of an application. @returns the function that stops */
export function measure(measured: Measured): () => void {
  const stops = [...countEvents(measured), ...timeCalls(measured), observeOnline(measured)];
  return () => {
    for (const stop of stops) stop();
  };
}

/** Counts from the channels of events: they have each kick once, in the process that made it. `auth.on("kick")` has it in each. */
function countEvents({ appId, meter }: Measured): (() => void)[] {
  const counter = (name: string, description: string) =>
    meter.createCounter(`express_logout.${name}`, {
      unit: name === "rejections" ? "{request}" : "{login}",
      description,
    });
  const logins = counter("logins", "Logins that began");
  const logouts = counter("logouts", "Logins that the user or the app ended");
  const kicked = counter("kicked_logins", "Logins that a kick, a limit or a lifetime ended");
  const rejections = counter("rejections", "Requests of ended logins");
  const on = <Name extends keyof LogoutEvents>(name: Name, count: (event: LogoutEvents[Name]) => void) =>
    listen(`express-logout:${name}`, appId, count);
  return [
    on("login", () => logins.add(1, { app_id: appId })),
    on("logout", () => logouts.add(1, { app_id: appId })),
    on("kick", ({ cause, loginIds }) => kicked.add(loginIds.length, { app_id: appId, cause })),
    on("rejected", ({ cause }) => rejections.add(1, { app_id: appId, cause })),
  ];
}

function timeCalls({ appId, meter }: Measured): (() => void)[] {
  const histogram = (name: string, description: string, boundaries: number[]) =>
    meter.createHistogram(`express_logout.${name}.duration`, {
      unit: "s",
      description,
      advice: { explicitBucketBoundaries: boundaries },
    });
  return [
    ...time(kickCalls, appId, histogram("kick", "Time of a kick, of all its users", KICK_BOUNDARIES)),
    ...time(registryCalls, appId, histogram("registry", "Time of a call of the registry", REGISTRY_BOUNDARIES)),
  ];
}

function time<Call extends KickCall | RegistryCall>(
  calls: TracingChannel<unknown, Call>,
  appId: string,
  histogram: Histogram,
): (() => void)[] {
  const started = new WeakMap<Call, number>();
  return [
    listen(calls.start.name, appId, (call: Call) => started.set(call, performance.now())),
    listen(calls.asyncEnd.name, appId, (call: Call) => {
      const start = started.get(call);
      // The call began before this was listened to.
      if (start === undefined) return;
      const seconds = (performance.now() - start) / 1_000;
      histogram.record(seconds, { app_id: appId, method: call.method, ...errorType(call.error) });
    }),
  ];
}

function observeOnline({ appId, auth, meter }: Measured): () => void {
  const gauge = meter.createObservableGauge("express_logout.online", {
    unit: "{user}",
    description: "Users online, in all processes of the app",
  });
  let isKnown = false;
  const observe = async (result: ObservableResult): Promise<void> => {
    try {
      const { total } = await within(ANSWERS_WITHIN_MS, () => auth.listActiveUsers({ limit: 1 }));
      result.observe(total, { app_id: appId });
      isKnown = true;
    } catch (error) {
      debugError("the users online could not be counted for a metric", error);
      // Without an observation, the SDK would export the last number again.
      if (isKnown) result.observe(Number.NaN, { app_id: appId });
    }
  };
  gauge.addCallback(observe);
  return () => {
    gauge.removeCallback(observe);
  };
}
