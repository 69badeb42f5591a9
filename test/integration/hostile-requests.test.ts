import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import type { Request } from "express";
import type { AuditEntry } from "../../lib/index.js";
import { hostileRequest, type HostileRequest, type Sender, type Target } from "../support/hostile-requests.js";
import type { Browser } from "../support/http.js";
import { BYE } from "../support/open-redirects.js";
import { addressesOf } from "../support/pages.js";
import { Random } from "../support/random.js";
import { sendRaw, type RawAnswer } from "../support/raw-http.js";
import { Secrets } from "../support/secrets.js";
import { POOL_ID, TOKEN, useSites, type Site } from "../support/site.js";
import { BACKENDS } from "../support/stores.js";

const REQUESTS = 5_000;
/** Requests that are sent at the same time. After each batch, the test checks who is still logged in. */
const BATCH = 50;
/** Another seed in each run; `HOSTILE_SEED=… npx jest …` repeats a failed run. */
const SEED = Number(process.env["HOSTILE_SEED"] ?? Date.now());

const open = useSites();
const POOL = { "x-authing-userpool-id": POOL_ID };
const CROSS_SITE = [{ "Sec-Fetch-Site": "cross-site" }, { "Sec-Fetch-Site": "same-site" }];
/** Headers of browsers that are too old for `Sec-Fetch-Site`. No site can make a browser send other values. */
const CROSS_ORIGIN = [{ Origin: "https://evil.example" }, { Origin: "null" }];
const OF_THE_BROWSER = ["Origin", "Sec-Fetch-Site", "Host", "X-Forwarded-Host"];

/** Requests that nearly carry the token. None of them may force a user offline. */
const NEARLY_ADMINS: readonly Record<string, string>[] = [
  POOL,
  { ...POOL, Authorization: "" },
  { ...POOL, Authorization: "Bearer" },
  { ...POOL, Authorization: "Bearer undefined" },
  { ...POOL, Authorization: TOKEN.slice(1) },
  { ...POOL, Authorization: TOKEN.slice(0, -1) },
  { ...POOL, Authorization: `${TOKEN}x` },
  { ...POOL, Authorization: TOKEN.toUpperCase() },
  { ...POOL, Authorization: `Basic ${Buffer.from(TOKEN).toString("base64")}` },
  { ...POOL, Authorization: `Bearer Bearer ${TOKEN}` },
  { ...POOL, Authorization: `"${TOKEN}"` },
  { ...POOL, Authorization: `wrong, ${TOKEN}` },
  { ...POOL, "X-Authorization": TOKEN, "Proxy-Authorization": TOKEN },
  { ...POOL, Cookie: `Authorization=${encodeURIComponent(TOKEN)}` },
];

/** The users of a site. Mallory was kicked and keeps trying. Carol may be kicked by authorized requests. */
const PEOPLE = ["alice", "admin", "mallory", "carol"] as const;
type People = Readonly<Record<(typeof PEOPLE)[number], Browser>>;

describe.each([
  ["at the root, on memory", "", 0],
  ["below a path, on Redis", "/account", 1],
] as const)("random requests %s", (_place, at, backendIndex) => {
  const backend = (BACKENDS[backendIndex] ?? BACKENDS[0])?.();
  if (backend === undefined) throw new Error("no backend");
  beforeAll(() => backend.start());
  afterAll(() => backend.stop());

  const written: string[] = [];
  beforeEach(() => {
    const write = (...what: unknown[]): boolean => written.push(inspect(what, { depth: 9 })) > 0;
    jest.spyOn(process.stdout, "write").mockImplementation(write);
    jest.spyOn(process.stderr, "write").mockImplementation(write);
    for (const method of ["log", "warn", "error", "info", "debug"] as const) {
      jest.spyOn(console, method).mockImplementation(write);
    }
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  const openSite = (audited: AuditEntry[]): Promise<Site> =>
    open({
      at,
      backend,
      auth: {
        appId: "shop",
        admin: { userPoolId: POOL_ID, tokens: [TOKEN] },
        console: {
          authorize: (req: Request) => req.session.userId === "admin",
          searchUsers: (text) => (text === "" ? [] : ["bob"]),
        },
        redirects: { allow: [BYE] },
        pages: { describeUser: (userId) => ({ name: `Name of ${userId}` }) },
        audit: { log: (entry) => audited.push(entry) },
      },
      before: (app) => app.set("trust proxy", at !== ""),
      after: (app, auth) => {
        if (at !== "") app.use(auth.guard);
      },
    });

  it(`do no harm (seed ${String(SEED)})`, async () => {
    const random = new Random(SEED + backendIndex);
    const audited: AuditEntry[] = [];
    const site = await openSite(audited);
    const secrets = new Secrets([TOKEN]);
    const bob = await logIn(site, "bob", secrets);
    const assets = assetsOf((await site.ask("GET", `${at}/u/logged-out`, { headers: { Accept: "text/html" } })).text);
    expect(assets).toHaveLength(2);
    for (let sent = 0; sent < REQUESTS / 2; sent += BATCH) {
      const people = await meet(site, secrets);
      const target: Target = { appId: site.appId, at, assets, senders: sendersOf(people) };
      const requests = Array.from({ length: BATCH }, () => hostileRequest(random, target));
      const wrong = (await Promise.all(requests.map((request) => harmOf(site, request, secrets)))).flat();
      expect({ sent, wrong }).toEqual({ sent, wrong: [] });
      const isKicked = kickedOf(site).includes("bob") || (await site.user(bob)) !== "bob";
      expect(isKicked ? requests.map(({ bytes }) => inWords(bytes)) : []).toEqual([]);
    }
    // The test proves something only if an authorized request has kicked a user.
    expect(kickedOf(site)).toContain("carol");
    expect(new Set(audited.map(({ action }) => action))).toContain("denied");
    const reported = inspect([site.events, site.errors, audited], {
      depth: 20,
      maxArrayLength: null,
      showHidden: true,
    });
    expect(secrets.foundIn(reported)).toBeUndefined();
    expect(secrets.foundIn(written.join("\n"))).toBeUndefined();
    expect(written).toEqual([]);
  }, 120_000);
});

/** Every user logs in again, since a request may have logged them out; mallory is kicked. */
async function meet(site: Site, secrets: Secrets): Promise<People> {
  const browsers = await Promise.all(PEOPLE.map(async (user) => [user, await logIn(site, user, secrets)] as const));
  await site.auth.kick("mallory", { reason: "<b>no</b>", by: "the test" });
  return Object.fromEntries(browsers) as Record<(typeof PEOPLE)[number], Browser>;
}

async function logIn(site: Site, user: string, secrets: Secrets): Promise<Browser> {
  const browser = await site.login(user);
  secrets.add(browser.cookies);
  return browser;
}

function sendersOf({ alice, admin, mallory }: People): Sender[] {
  const cookie = ({ cookies }: Browser): { Cookie: string } => ({ Cookie: cookies });
  const mayNot = [
    {},
    cookie(alice),
    { ...cookie(alice), "Sec-Fetch-Site": "same-origin" },
    cookie(mallory),
    ...CROSS_SITE.map((headers) => ({ ...cookie(admin), ...headers })),
    ...NEARLY_ADMINS,
    { ...POOL, ...cookie(alice), Authorization: `${TOKEN}x` },
  ];
  const may = [{ ...POOL, Authorization: TOKEN }, { ...POOL, Authorization: `Bearer ${TOKEN}` }, cookie(admin)];
  return [
    ...mayNot.map((headers) => ({ headers, victim: "bob", everyone: "shop" })),
    ...CROSS_ORIGIN.map((headers) => ({
      headers: { ...cookie(admin), ...headers },
      fixed: OF_THE_BROWSER,
      victim: "bob",
      everyone: "shop",
    })),
    ...[...may, ...may].map((headers) => ({ headers, victim: "carol", everyone: "shops" })),
  ];
}

function kickedOf(site: Site): unknown[] {
  return site.events.filter(({ name }) => name === "kick").map((event) => "userId" in event && event.userId);
}

async function harmOf(site: Site, { bytes, isMalformed }: HostileRequest, secrets: Secrets): Promise<string[]> {
  const answer = await sendRaw(site.url, bytes, isMalformed);
  const harm = rulesBrokenBy(answer, isMalformed, secrets);
  return harm.map((rule) => `${rule}\n${inWords(bytes)}\n${answer.text.slice(0, 2_000)}`);
}

function rulesBrokenBy(answer: RawAnswer, isMalformed: boolean, secrets: Secrets): string[] {
  const rules: string[] = [];
  if (answer.isHung) rules.push("it hangs");
  if (answer.status === 0 && !isMalformed) rules.push("no answer");
  if (answer.statuses.some((status) => status >= 500)) rules.push("a 5xx");
  const leadsTo = ["Location", "Refresh", "Link"].flatMap((name) => answer.header(name));
  const linked = addressesOf(answer.text);
  if (![...leadsTo, ...linked].every(staysOn)) rules.push("it leads elsewhere");
  if (secrets.foundIn(answer.text) !== undefined) rules.push("it reveals a secret");
  return rules;
}

/** A page of this site, with a return path to another page of this site if any; or the listed address. */
function staysOn(address: string): boolean {
  if (address === BYE) return true;
  const back = /[?&]returnTo=([^&]*)/.exec(address)?.[1];
  if (back !== undefined && !isOwnPath(decodeURIComponent(back))) return false;
  return isOwnPath(address) || address.startsWith("#") || address === "data:,";
}

function isOwnPath(address: string): boolean {
  return /^\/(?![/\\])[^\r\n\t]*$/.test(address);
}

function assetsOf(html: string): string[] {
  return addressesOf(html).filter((address) => /\.(css|js)$/.test(address));
}

function inWords(bytes: Buffer): string {
  return bytes
    .toString("latin1")
    .replace(/^X(-\d+)?: ?a\r\n/gm, "")
    .slice(0, 1_500);
}
