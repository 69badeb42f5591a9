import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { context, metrics, trace, type Attributes } from "@opentelemetry/api";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { MemoryLoginRegistry } from "../../lib/index.js";
import { instrument, type InstrumentOptions } from "../../lib/opentelemetry/index.js";
import { Secrets } from "../support/secrets.js";
import { useSites, type Site } from "../support/site.js";
import { memoryBackend, redisBackend, type Backend } from "../support/stores.js";

const openSite = useSites();
const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

interface Point {
  readonly attributes: Attributes;
  readonly value: unknown;
}

/** The SDK, as an app sets it up, with exporters that keep what they get. */
function openSdk() {
  const spans = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 60_000 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  cleanUps.push(
    () => context.disable(),
    () => meterProvider.shutdown(),
    () => tracerProvider.shutdown(),
  );
  const collect = async () => {
    const { resourceMetrics, errors } = await reader.collect();
    return { errors, all: resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics) };
  };
  return {
    meterProvider,
    tracerProvider,
    tracer: tracerProvider.getTracer("the app"),
    collect,
    /** The points of a metric; none if it is not exported. */
    points: async (name: string): Promise<Point[]> => {
      const { all } = await collect();
      const found = all.find(({ descriptor }) => descriptor.name === `express_logout.${name}`);
      return (found?.dataPoints ?? []).map(({ attributes, value }) => ({ attributes, value }));
    },
    spans: () => spans.getFinishedSpans(),
    /** Everything that has been exported. */
    text: async () =>
      JSON.stringify([
        (await collect()).all,
        spans.getFinishedSpans().map(({ name, attributes, events, links, status, resource }) => ({
          ...{ name, attributes, events, links, status },
          resource: resource.attributes,
        })),
      ]),
  };
}

type Sdk = ReturnType<typeof openSdk>;

function start(site: Site, { meterProvider, tracerProvider }: Sdk, options: InstrumentOptions = {}): () => void {
  const stop = instrument(site.auth, { meterProvider, tracerProvider, ...options });
  cleanUps.push(stop);
  return stop;
}

const backends: Backend[] = [memoryBackend(), redisBackend()];

describe.each(backends)("metrics on $name", (backend) => {
  beforeAll(() => backend.start());
  afterAll(() => backend.stop());

  it("count logins, logouts, kicked logins and rejections, and time kicks and calls of the registry", async () => {
    const sdk = openSdk();
    const site = await openSite({ backend });
    start(site, sdk);
    const [phone, , bob] = [await site.login("alice"), await site.login("alice"), await site.login("bob")];
    expect(await sdk.points("online")).toEqual([{ attributes: { app_id: site.appId }, value: 2 }]);
    await site.auth.kick("alice");
    await phone.get("/me");
    await bob.get("/login/profile/logout");
    await expect(site.auth.kick("")).rejects.toMatchObject({ code: "ERR_ARGUMENT_INVALID" });

    const app_id = site.appId;
    expect(await sdk.points("logins")).toEqual([{ attributes: { app_id }, value: 3 }]);
    expect(await sdk.points("logouts")).toEqual([{ attributes: { app_id }, value: 1 }]);
    expect(await sdk.points("kicked_logins")).toEqual([{ attributes: { app_id, cause: "kick" }, value: 2 }]);
    expect(await sdk.points("rejections")).toEqual([{ attributes: { app_id, cause: "kick" }, value: 1 }]);
    expect(await sdk.points("online")).toEqual([{ attributes: { app_id }, value: 0 }]);
    const inSeconds = expect.objectContaining({ count: 1, sum: expect.any(Number) });
    const kicks = await sdk.points("kick.duration");
    expect(kicks).toEqual([
      { attributes: { app_id, method: "kick" }, value: inSeconds },
      { attributes: { app_id, method: "kick", "error.type": "ERR_ARGUMENT_INVALID" }, value: inSeconds },
    ]);
    const { sum, buckets } = kicks[0]?.value as { sum: number; buckets: { boundaries: number[] } };
    expect(sum).toBeGreaterThan(0);
    expect(sum).toBeLessThan(5);
    expect(buckets.boundaries[0]).toBe(0.001);
    const methods = (await sdk.points("registry.duration")).map(({ attributes }) => attributes["method"]);
    expect(methods).toEqual(expect.arrayContaining(["add", "find", "end", "finishKick", "activeUsers"]));
  });

  it("count logins that a limit has ended, with this cause", async () => {
    const sdk = openSdk();
    const site = await openSite({ backend, auth: { logins: { max: 1 } } });
    start(site, sdk);
    for (let count = 0; count < 3; count += 1) await site.login("alice");
    const attributes = { app_id: site.appId, cause: "limit" };
    expect(await sdk.points("kicked_logins")).toEqual([{ attributes, value: 2 }]);
  });

  it("and spans hold no user id, login id, session id, address or user agent", async () => {
    const sdk = openSdk();
    const site = await openSite({ backend });
    start(site, sdk);
    const secrets = new Secrets(["user-4711", "127.0.0.1", "::1", "agent-4712", "a reason 4713", "operator-4714"]);
    await sdk.tracer.startActiveSpan("request", async (span) => {
      const browser = await site.login("user-4711", { "user-agent": "agent-4712" });
      const other = await site.login("user-4711");
      for (const { cookies } of [browser, other]) secrets.add(cookies);
      const { items } = await site.auth.listLogins("user-4711");
      expect(items).toHaveLength(2);
      const loginIds = items.map(({ id }) => id);
      await site.auth.kickLogin("user-4711", loginIds[0] ?? "", { reason: "a reason 4713", by: "operator-4714" });
      await site.auth.kickWhere({ ip: "127.0.0.1" });
      for (const each of [browser, other]) await each.get("/me");
      await expect(site.auth.kick(["user-4711", ""])).rejects.toThrow();
      span.end();
      const text = await sdk.text();
      expect(text).toContain("express_logout.kickWhere");
      expect(text.length).toBeGreaterThan(5_000);
      expect(secrets.foundIn(text)).toBeUndefined();
      expect(loginIds.filter((id) => text.includes(id))).toEqual([]);
    });
  });
});

describe("instrument()", () => {
  it("counts the messages of its own application alone", async () => {
    const sdk = openSdk();
    const [shop, blog] = [await openSite(), await openSite()];
    start(shop, sdk);
    await blog.login("alice");
    await blog.auth.kick("alice");
    expect(await sdk.points("logins")).toEqual([]);
    start(blog, sdk);
    await blog.login("alice");
    await shop.login("bob");
    const counts = (await sdk.points("logins")).map(({ attributes, value }) => [attributes["app_id"], value]);
    expect(counts.sort()).toEqual(
      [
        [blog.appId, 1],
        [shop.appId, 1],
      ].sort(),
    );
    expect(await sdk.points("kicked_logins")).toEqual([]);
    expect(await sdk.points("online")).toHaveLength(2);
  });

  it("counts once if it is called twice, and stops once both have been stopped", async () => {
    const sdk = openSdk();
    const registry = new MemoryLoginRegistry();
    const site = await openSite({ auth: { registry } });
    const stops = [start(site, sdk), start(site, sdk)];
    await sdk.tracer.startActiveSpan("request", async () => {
      await site.login("alice");
      await site.auth.kick("alice");
    });
    expect(await sdk.points("logins")).toMatchObject([{ value: 1 }]);
    expect(await sdk.points("kick.duration")).toMatchObject([{ value: { count: 1 } }]);
    expect(await sdk.points("online")).toHaveLength(1);
    expect(sdk.spans().filter(({ name }) => name === "express_logout.kick")).toHaveLength(1);
    const stopTwice = (): void => {
      stops[0]?.();
      stops[0]?.();
    };
    stopTwice();
    await site.login("alice");
    expect(await sdk.points("logins")).toMatchObject([{ value: 2 }]);
    stops[1]?.();
    await site.login("alice");
    await site.auth.kick("alice");
    expect(await sdk.points("logins")).toMatchObject([{ value: 2 }]);
    expect(await sdk.points("kick.duration")).toMatchObject([{ value: { count: 1 } }]);
    expect(sdk.spans().filter(({ name }) => name === "express_logout.kick")).toHaveLength(1);
    let reads = 0;
    registry.activeUsers = () => {
      reads += 1;
      return Promise.resolve({ items: [], total: 0 });
    };
    await sdk.collect();
    expect(reads).toBe(0);
  });

  it("has no number of users online while the registry fails or does not respond", async () => {
    const sdk = openSdk();
    const registry = new MemoryLoginRegistry();
    const site = await openSite({ auth: { registry } });
    start(site, sdk);
    await site.login("alice");
    const activeUsers = registry.activeUsers.bind(registry);
    registry.activeUsers = () => Promise.reject(new Error("down"));
    expect(await sdk.points("online")).toEqual([]);
    registry.activeUsers = () => new Promise(() => undefined);
    const began = performance.now();
    const { errors } = await sdk.collect();
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(errors).toEqual([]);
    expect(await sdk.points("online")).toEqual([]);
    expect(await sdk.points("logins")).toMatchObject([{ value: 1 }]);
    registry.activeUsers = activeUsers;
    expect(await sdk.points("online")).toMatchObject([{ value: 1 }]);
    registry.activeUsers = () => Promise.reject(new Error("down"));
    expect(await sdk.points("online")).toMatchObject([{ value: NaN }]);
  });

  it("uses the global providers by default", async () => {
    const sdk = openSdk();
    metrics.setGlobalMeterProvider(sdk.meterProvider);
    trace.setGlobalTracerProvider(sdk.tracerProvider);
    cleanUps.push(() => {
      metrics.disable();
      trace.disable();
    });
    const site = await openSite();
    cleanUps.push(instrument(site.auth));
    await site.login("alice");
    await site.auth.kick("alice");
    expect(await sdk.points("kicked_logins")).toMatchObject([{ value: 1 }]);
    expect(sdk.spans().map(({ name }) => name)).toContain("express_logout.kick");
  });

  it("publishes nothing, and fails nothing, without an SDK", async () => {
    const site = await openSite();
    const stop = instrument(site.auth);
    await site.login("alice");
    expect(await site.auth.kick("alice")).toEqual({ users: 1, logins: 1 });
    stop();
  });

  it("refuses what is no middleware, and wrong options", async () => {
    const { auth } = await openSite();
    const given = (value: unknown): unknown => value;
    expect(() => instrument(given({ appId: "shop" }) as typeof auth)).toThrow(
      expect.objectContaining({ code: "ERR_ARGUMENT_INVALID" }),
    );
    expect(() => instrument(auth, given({ meter: 1 }) as InstrumentOptions)).toThrow(
      expect.objectContaining({ code: "ERR_OPTION_UNKNOWN" }),
    );
    for (const options of [{ meterProvider: {} }, { meterProvider: null }, { tracerProvider: true }]) {
      expect(() => instrument(auth, given(options) as InstrumentOptions)).toThrow(
        expect.objectContaining({ code: "ERR_OPTION_INVALID" }),
      );
    }
  });
});

describe("traces", () => {
  const named = (sdk: Sdk, name: string) => sdk.spans().filter((span) => span.name === name);

  it("have kicks as children of the active span, and calls of the registry as theirs", async () => {
    const sdk = openSdk();
    const site = await openSite();
    start(site, sdk);
    await site.login("alice");
    const request = sdk.tracer.startSpan("request");
    await context.with(trace.setSpan(context.active(), request), async () => {
      await site.auth.kick("alice");
      await site.auth.listLogins("alice");
      expect(trace.getActiveSpan()).toBe(request);
    });
    request.end();
    const [kick] = named(sdk, "express_logout.kick");
    expect(kick?.parentSpanContext?.spanId).toBe(request.spanContext().spanId);
    expect(kick?.attributes).toEqual({
      "express_logout.app_id": site.appId,
      "express_logout.method": "kick",
      "express_logout.users": 1,
      "express_logout.logins": 1,
    });
    for (const name of ["end", "finishKick"]) {
      const [call] = named(sdk, `express_logout.registry.${name}`);
      expect(call?.parentSpanContext?.spanId).toBe(kick?.spanContext().spanId);
      expect(call?.attributes).toEqual({ "express_logout.app_id": site.appId, "express_logout.method": name });
    }
    const [list] = named(sdk, "express_logout.registry.list");
    expect(list?.parentSpanContext?.spanId).toBe(request.spanContext().spanId);
  });

  it("have the spans of the registry's client below its call", async () => {
    const sdk = openSdk();
    const registry = new MemoryLoginRegistry();
    const list = registry.list.bind(registry);
    registry.list = (...args) =>
      sdk.tracer.startActiveSpan("HGETALL", (span) => list(...args).finally(() => span.end()));
    const site = await openSite({ auth: { registry } });
    start(site, sdk);
    await sdk.tracer.startActiveSpan("request", () => site.auth.listLogins("alice"));
    const [call] = named(sdk, "express_logout.registry.list");
    expect(named(sdk, "HGETALL")[0]?.parentSpanContext?.spanId).toBe(call?.spanContext().spanId);
  });

  it("have kicks outside of a span, and no calls of the registry there", async () => {
    const sdk = openSdk();
    const site = await openSite();
    start(site, sdk);
    await site.login("alice");
    await site.auth.listLogins("alice");
    await sdk.collect();
    expect(sdk.spans()).toEqual([]);
    await site.auth.kick("alice");
    expect(named(sdk, "express_logout.kick")[0]?.parentSpanContext).toBeUndefined();
    expect(named(sdk, "express_logout.registry.end")).toHaveLength(1);
  });

  it("mark failures with the code, or as another error, without the message", async () => {
    const sdk = openSdk();
    const registry = new MemoryLoginRegistry();
    registry.list = () => Promise.reject(new Error("secret"));
    const site = await openSite({ auth: { registry } });
    start(site, sdk);
    await expect(site.auth.kick("")).rejects.toThrow();
    await expect(sdk.tracer.startActiveSpan("request", () => site.auth.listLogins("alice"))).rejects.toThrow();
    const [kick] = named(sdk, "express_logout.kick");
    expect(kick).toMatchObject({ attributes: { "error.type": "ERR_ARGUMENT_INVALID" }, status: { code: 2 } });
    const [list] = named(sdk, "express_logout.registry.list");
    expect(list).toMatchObject({ attributes: { "error.type": "_OTHER" }, status: { code: 2 }, events: [] });
    expect(await sdk.text()).not.toContain("secret");
  });

  it("are off with tracerProvider: false, and metrics go on", async () => {
    const sdk = openSdk();
    const site = await openSite();
    start(site, sdk, { tracerProvider: false });
    await site.login("alice");
    await sdk.tracer.startActiveSpan("request", () => site.auth.kick("alice"));
    expect(sdk.spans()).toEqual([]);
    expect(await sdk.points("kicked_logins")).toMatchObject([{ value: 1 }]);
  });
});
