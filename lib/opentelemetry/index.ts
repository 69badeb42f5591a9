/** Metrics and traces for OpenTelemetry, from `node:diagnostics_channel`. Needs `@opentelemetry/api` 1.3 or later. */
import type { Meter, Tracer } from "@opentelemetry/api";
import { LogoutError } from "../errors.js";
import type { LogoutMiddleware } from "../controls.js";
import { appIdOf } from "../operation/channels.js";
import { loadApi } from "./load-api.js";
import { measure } from "./metrics.js";
import { shared } from "./shared.js";
import { traceCalls } from "./traces.js";

/** Options of {@link instrument}. */
export interface InstrumentOptions {
  /** Where the metrics go. Default: the global provider, which must be registered before the call. */
  readonly meterProvider?: MeterProvider | undefined;
  /** Where the spans go. Default: the global provider. `false`: no traces. */
  readonly tracerProvider?: TracerProvider | false | undefined;
}

/** A meter provider of OpenTelemetry, by its shape. */
export interface MeterProvider {
  getMeter(name: string, version?: string): unknown;
}

/** A tracer provider of OpenTelemetry, by its shape. */
export interface TracerProvider {
  getTracer(name: string, version?: string): unknown;
}

const NAMES: readonly string[] = ["meterProvider", "tracerProvider"] satisfies (keyof InstrumentOptions)[];
const SCOPE = "express-logout";

/**
 * Publishes metrics and traces of a middleware, until the returned function is called.
 *
 * Counters `express_logout.logins`, `.logouts`, `.kicked_logins`, `.rejections`; histograms `.kick.duration` and
 * `.registry.duration` in seconds; gauge `.online`: the users online in all processes. Logins and kicks are counted in the process
 * where they were made. A span for each kick, and for each call of the registry within another span. No attribute holds a user id,
 * an address, a session id or a login id.
 *
 * A second call with the same middleware and providers publishes nothing twice; both returned functions must be called to stop.
 *
 * @throws LogoutError `ERR_OPTION_UNKNOWN`, `ERR_OPTION_INVALID`, also if `@opentelemetry/api` is not installed;
 * `ERR_ARGUMENT_INVALID` if `auth` is not what `logout()` returned
 *
 * @example
 * ```ts
 * import { MemoryStore } from "express-session";
 * import { logout } from "express-logout";
 * import { instrument } from "express-logout/opentelemetry";
 *
 * const auth = logout({ store: new MemoryStore(), appId: "shop" });
 * export const stop = instrument(auth);
 * ```
 */
export function instrument(auth: LogoutMiddleware, options: InstrumentOptions = {}): () => void {
  const appId = appIdOf(auth);
  checkOptions(options);
  const api = loadApi();
  const meters = options.meterProvider ?? api.metrics.getMeterProvider();
  const { tracerProvider: tracers = api.trace.getTracerProvider() } = options;
  const stops = [
    shared(meters, appId, () => measure({ appId, auth, meter: meters.getMeter(SCOPE) as Meter })),
    tracers === false
      ? () => undefined
      : shared(tracers, appId, () => traceCalls({ appId, api, tracer: tracers.getTracer(SCOPE) as Tracer })),
  ];
  return () => {
    for (const stop of stops.splice(0)) stop();
  };
}

function checkOptions(options: InstrumentOptions): void {
  const unknown = Object.keys(options).find((name) => !NAMES.includes(name));
  if (unknown !== undefined) {
    throw new LogoutError("ERR_OPTION_UNKNOWN", `instrument(): unknown option ${unknown}. Known: ${NAMES.join(", ")}.`);
  }
  const { meterProvider, tracerProvider } = options;
  if (meterProvider !== undefined && !has(meterProvider, "getMeter")) throw invalid("meterProvider", "getMeter");
  if (tracerProvider !== undefined && tracerProvider !== false && !has(tracerProvider, "getTracer")) {
    throw invalid("tracerProvider", "getTracer");
  }
}

function has(value: unknown, method: string): boolean {
  return typeof (value as Record<string, unknown> | null)?.[method] === "function";
}

function invalid(name: string, method: string): LogoutError {
  return new LogoutError("ERR_OPTION_INVALID", `instrument(): ${name} must be an object with ${method}().`);
}
