import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PrometheusExporter, PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { Registry } from "prom-client";
import { MemoryLoginRegistry } from "../../lib/index.js";
import { instrument } from "../../lib/opentelemetry/index.js";
import { countLogins, countOnline } from "../recipes/metrics-prom-client.js";
import { Secrets } from "../support/secrets.js";
import { useSites } from "../support/site.js";

const openSite = useSites();

/** For every site of this file: channels cannot be left. */
const register = new Registry();
beforeAll(() => {
  countLogins(register);
});

/** Everything that the metrics measure, once. @returns the metrics of prom-client, and those of OpenTelemetry */
async function exported() {
  const registry = new MemoryLoginRegistry();
  const site = await openSite({ auth: { appId: "measured", registry } });
  const exporter = new PrometheusExporter({ preventServerStart: true });
  const meterProvider = new MeterProvider({ readers: [exporter] });
  const stop = instrument(site.auth, { meterProvider });
  try {
    register.removeSingleMetric("express_logout_online");
    countOnline(site.auth, site.appId, register);
    const [alice, bob] = [await site.login("alice"), await site.login("bob")];
    await site.login("carol");
    await site.auth.kick("alice", { reason: "a reason 4711" });
    await alice.get("/me");
    await bob.get("/login/profile/logout");
    const list = registry.list.bind(registry);
    registry.list = () => Promise.reject(Object.assign(new Error("down"), { code: "alice" }));
    await expect(site.auth.listLogins("alice")).rejects.toThrow();
    registry.list = list;
    await expect(site.auth.kick("")).rejects.toThrow();
    const secrets = new Secrets(["alice", "bob", "carol", "a reason 4711", "127.0.0.1"]);
    for (const { cookies } of [alice, bob]) secrets.add(cookies);
    const { resourceMetrics } = await exporter.collect();
    const fromOtel = new PrometheusSerializer().serialize(resourceMetrics);
    return { secrets, registry, prom: await register.metrics(), otel: fromOtel };
  } finally {
    stop();
    await meterProvider.shutdown();
  }
}

describe("the recipe for prom-client", () => {
  it("counts logins, kicks, rejections and failures, and has no one's id or address", async () => {
    const { prom, secrets } = await exported();
    const lines = prom.split("\n").filter((line) => line.includes('app_id="measured"'));
    expect(lines).toEqual(
      expect.arrayContaining([
        'express_logout_logins_total{app_id="measured"} 3',
        'express_logout_logouts_total{app_id="measured"} 1',
        'express_logout_kicked_logins_total{app_id="measured",cause="kick"} 1',
        'express_logout_rejections_total{app_id="measured",cause="kick"} 1',
        'express_logout_online{app_id="measured"} 1',
        'express_logout_kick_duration_seconds_count{app_id="measured",method="kick"} 1',
        expect.stringMatching(
          /^express_logout_kick_duration_seconds_count\{.*error_type="ERR_ARGUMENT_INVALID".*\} 1$/,
        ),
        expect.stringMatching(/^express_logout_registry_duration_seconds_count\{.*error_type="_OTHER".*\} 1$/),
      ]),
    );
    expect(secrets.foundIn(prom)).toBeUndefined();
  });

  it("has no number of users online while the registry fails", async () => {
    const registry = new MemoryLoginRegistry();
    const site = await openSite({ auth: { appId: "unavailable", registry } });
    const own = new Registry();
    countOnline(site.auth, site.appId, own);
    const value = async () => /^express_logout_online\{.*\} (.*)$/m.exec(await own.metrics())?.[1];
    expect(await value()).toBe("0");
    registry.activeUsers = () => Promise.reject(new Error("down"));
    expect(await value()).toBeUndefined();
  });
});

describe("the dashboard for Grafana, and the alerts", () => {
  const read = (file: string): string => readFileSync(join(__dirname, "../../docs/guides", file), "utf8");
  const dashboard = JSON.parse(read("observability/express-logout.grafana.json")) as {
    readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
    readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
  };
  const queries = [
    ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ...dashboard.templating.list.flatMap(({ definition }) => definition ?? []),
  ];
  const alerts = [...read("observability.md").matchAll(/ expr:([^]*?)\n +(?:for|annotations):/g)].map(
    ([, expr]) => expr ?? "",
  );
  /** The metrics that a query names: each whole name, the labels by which it selects, and those by which the query groups. */
  const metricsOf = (query: string) => {
    const groups = [...query.matchAll(/by \(([^)]+)\)/g)].flatMap(([, group = ""]) => group.split(", "));
    const found = query
      .replaceAll("$app_id", "measured")
      .matchAll(/(?:\b(express_logout_\w+))?\{([^}]*)\}|\b(express_logout_\w+)/g);
    return [...found].map(([, selecting, selector = "", name = selecting ?? ""]) => {
      const wanted = new Map(
        [...selector.matchAll(/(\w+)=~?"([^"]*)"/g)].map(([, label = "", of = ""]) => [label, of]),
      );
      const pattern = wanted.get("__name__") ?? name;
      wanted.delete("__name__");
      return { name: whole(pattern), wanted, labels: [...wanted.keys(), ...groups] };
    });
  };
  const whole = (pattern: string): RegExp => new RegExp(`^(?:${pattern})$`);

  /** The series, each with its labels. */
  const seriesOf = (metrics: string): { name: string; labels: ReadonlyMap<string, string> }[] =>
    [...metrics.matchAll(/^(express_logout_\w+)\{(.*)\} \S+$/gm)].map(([, name = "", labels = ""]) => ({
      name,
      labels: new Map([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label = "", value = ""]) => [label, value])),
    }));

  it("ask for metrics with labels that the recipe and OpenTelemetry's exporter have, the dashboard for all of them", async () => {
    const { prom, otel } = await exported();
    expect(queries.length).toBeGreaterThan(15);
    expect(alerts).toHaveLength(read("observability.md").split("- alert:").length - 1);
    for (const metrics of [prom, otel]) {
      const series = seriesOf(metrics);
      expect(series.length).toBeGreaterThan(20);
      const missing = [...queries, ...alerts].flatMap((query) =>
        metricsOf(query)
          .filter(({ name, labels }) => {
            const found = series.filter((each) => name.test(each.name)).flatMap((each) => [...each.labels.keys()]);
            return found.length === 0 || labels.some((label) => !found.includes(label));
          })
          .map(({ name, labels }) => ({ query, name: name.source, labels })),
      );
      expect(missing).toEqual([]);
      const asked = queries.flatMap(metricsOf);
      const unasked = series.filter(
        (each) => !each.name.endsWith("_sum") && !asked.some(({ name }) => name.test(each.name)),
      );
      expect([...new Set(unasked.map(({ name }) => name))]).toEqual([]);
    }
  });

  it("show kicks that have failed, and no others", async () => {
    const { prom, otel } = await exported();
    const panels = dashboard.panels.filter(({ title }) => title.startsWith("Failed kicks"));
    expect(panels.map(({ title }) => title)).toEqual(["Failed kicks", "Failed kicks, by error"]);
    const asked = panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => metricsOf(expr)));
    for (const { name, wanted } of asked) {
      const errors = [prom, otel].map((metrics) => {
        const found = seriesOf(metrics).filter((each) => name.test(each.name));
        const failed = found.filter(({ labels }) =>
          [...wanted].every(([label, value]) => whole(value).test(labels.get(label) ?? "")),
        );
        expect([found.length > failed.length, failed.length]).toEqual([true, 1]);
        return failed.map(({ labels }) => labels.get("error_type"));
      });
      expect(errors).toEqual([["ERR_ARGUMENT_INVALID"], ["ERR_ARGUMENT_INVALID"]]);
    }
  });

  it("have queries each of which names a metric", () => {
    expect([...queries, ...alerts].filter((query) => metricsOf(query).length === 0)).toEqual([]);
    const ids = dashboard.panels.map(({ title }) => title);
    expect(ids.filter((title) => title === "")).toEqual([]);
  });
});

afterAll(() => {
  register.clear();
});
