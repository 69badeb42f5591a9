import { channel, tracingChannel, type TracingChannel } from "node:diagnostics_channel";
import type { LogoutEvents } from "../logins/events.js";
import { LogoutError } from "../errors.js";
import { redactError } from "../util/redact-error.js";

const CHANNELS = {
  login: channel("express-logout:login"),
  logout: channel("express-logout:logout"),
  kick: channel("express-logout:kick"),
  rejected: channel("express-logout:rejected"),
};

/** Returns a function that publishes the events of an application. Costs nothing while nothing subscribes to the channel. */
export function publishingOn(
  appId: string,
): <Name extends keyof LogoutEvents>(name: Name, event: LogoutEvents[Name]) => void {
  return (name, event) => {
    const target = CHANNELS[name];
    if (target.hasSubscribers) target.publish({ appId, ...event });
  };
}

/** Where a middleware has its application. `Symbol.for`: the ESM and the CommonJS build may meet in one process. */
export const APP_ID: unique symbol = Symbol.for("express-logout.app-id");

/** Returns the application of a middleware. @throws LogoutError `ERR_ARGUMENT_INVALID` for anything else */
export function appIdOf(middleware: unknown): string {
  const { [APP_ID]: appId } = (middleware ?? {}) as { [APP_ID]?: unknown };
  if (typeof appId === "string") return appId;
  throw new LogoutError("ERR_ARGUMENT_INVALID", "instrument() needs what logout() returned.");
}

/** What the tracing channel `express-logout:registry` publishes of a call. Never arguments or results: they hold session ids. */
export interface RegistryCall {
  readonly appId: string;
  readonly method: string;
  error?: Error;
}

/** What the tracing channel `express-logout:kick` publishes of a kick. */
export interface KickCall {
  readonly appId: string;
  readonly method: "kick" | "kickLogin" | "kickByKey" | "kickAll" | "kickWhere";
  /** How many users were logged in, and how many logins have ended, once the kick is done. */
  users?: number;
  logins?: number;
  error?: Error;
}

export const registryCalls = tracingChannel<unknown, RegistryCall>("express-logout:registry");
export const kickCalls = tracingChannel<unknown, KickCall>("express-logout:kick");

/** Runs a function in a context, such as that of a span. */
type Run = <Result>(act: () => Result) => Result;
/** Where a call has the context in which it runs. `Symbol.for`: as above. */
const RUN: unique symbol = Symbol.for("express-logout.run");

/**
 * Lets a call run in a context, from a listener to `start`. A store that is bound to the channel would have to be an
 * `AsyncLocalStorage`, which the context of OpenTelemetry does not show.
 */
export function runCallIn(call: object, run: Run): void {
  const runnable: { [RUN]?: Run } = call;
  const outer = runnable[RUN];
  runnable[RUN] = outer === undefined ? run : (act) => outer(() => run(act));
}

/**
 * Traces a call as `tracingChannel.tracePromise` does, without publishing its result.
 *
 * @param onDone - Writes into the context what may be published of the result.
 */
export function trace<Call extends { error?: Error }, Result>(
  on: TracingChannel<unknown, Call>,
  call: Call,
  act: () => Promise<Result>,
  onDone: (result: Result) => void = () => undefined,
): Promise<Result> {
  if (!hasSubscribers(on)) return act();
  return on.start.runStores(call, async () => {
    try {
      const { [RUN]: run } = call as { [RUN]?: Run };
      const running = run === undefined ? act() : run(act);
      on.end.publish(call);
      const result = await running;
      onDone(result);
      return result;
    } catch (error) {
      call.error = LogoutError.is(error) ? error : redactError(error, []);
      on.error.publish(call);
      throw error;
    } finally {
      on.asyncStart.publish(call);
      on.asyncEnd.publish(call);
    }
  });
}

/** Returns whether anything listens to a channel. Node 20.19 has this as a property, which its types do not know. */
export function hasSubscribers(
  on: Record<"start" | "end" | "asyncStart" | "asyncEnd" | "error", { hasSubscribers: boolean }>,
): boolean {
  const { start, end, asyncStart, asyncEnd, error } = on;
  return (
    start.hasSubscribers ||
    end.hasSubscribers ||
    asyncStart.hasSubscribers ||
    asyncEnd.hasSubscribers ||
    error.hasSubscribers
  );
}
