import type { TracingChannel } from "node:diagnostics_channel";
import type { Span, Tracer } from "@opentelemetry/api";
import { kickCalls, registryCalls, runCallIn, type KickCall, type RegistryCall } from "../operation/channels.js";
import { errorType } from "./error-type.js";
import { listen } from "./listen.js";
import type { Api } from "./load-api.js";

export interface Traced {
  readonly appId: string;
  readonly api: Api;
  readonly tracer: Tracer;
}

/**
 * Makes a span of each kick, and of each call of the registry within a span. Those without one are of timers: sweeps, and the checks
 * of live connections.
 *
 * @returns the function that stops
 */
export function traceCalls(traced: Traced): () => void {
  const stops = [
    ...makeSpans<KickCall>(traced, kickCalls, { prefix: "express_logout", needsParent: false }),
    ...makeSpans<RegistryCall>(traced, registryCalls, { prefix: "express_logout.registry", needsParent: true }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

function makeSpans<Call extends RegistryCall | KickCall>(
  { appId, api, tracer }: Traced,
  calls: TracingChannel<unknown, Call>,
  { prefix, needsParent }: { readonly prefix: string; readonly needsParent: boolean },
): (() => void)[] {
  const spans = new WeakMap<Call, Span>();
  const start = (call: Call): void => {
    const parent = api.context.active();
    if (needsParent && api.trace.getSpan(parent) === undefined) return;
    const { method } = call;
    const attributes = { "express_logout.app_id": appId, "express_logout.method": method };
    const span = tracer.startSpan(`${prefix}.${method}`, { attributes }, parent);
    spans.set(call, span);
    const context = api.trace.setSpan(parent, span);
    runCallIn(call, (act) => api.context.with(context, act));
  };
  const end = (call: Call): void => {
    const span = spans.get(call);
    if (span === undefined) return;
    if ("users" in call) {
      span.setAttributes({ "express_logout.users": call.users, "express_logout.logins": call.logins });
    }
    if (call.error !== undefined) {
      // Without the message, which may name users.
      span.setAttributes(errorType(call.error)).setStatus({ code: api.SpanStatusCode.ERROR });
    }
    span.end();
  };
  return [listen(calls.start.name, appId, start), listen(calls.asyncEnd.name, appId, end)];
}
