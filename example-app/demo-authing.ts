// A walk through every call of the SDKs of Authing around logout, unchanged, against the shop. A difference causes exit code 1.
import { createHmac, randomUUID } from "node:crypto";
import { AuthenticationClient as BrowserClient, ManagementClient } from "authing-js-sdk";
import { AuthenticationClient as NodeClient, ManagementClient as SignedClient } from "authing-node-sdk";
import { Browser } from "./company/browser.js";
import { APP_ID, USER_POOL_ID } from "./config.js";
import { startNode, type Node } from "./node.js";
import { answerOf, finishTranscript, step } from "./transcript.js";
import { DEMO_PASSWORDS } from "./users.js";

const SECRET = "the SDK secret of the demo";
const { REDIS_URL } = process.env;
const REASON = "An administrator has forced you offline.";
const ENDED = `401 {"code":401,"message":"You have been logged out: ${REASON}"}`;
const ANONYMOUS = "302 to /login";

/** What a call of an SDK resolves with, or how it fails. */
async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    const value = await call;
    return value === undefined ? "done" : JSON.stringify(value);
  } catch (error) {
    const { response, message } = error as { response?: { status: number; data: unknown }; message: string };
    return response === undefined ? message : `${String(response.status)} ${JSON.stringify(response.data)}`;
  }
}

async function logIn(shop: Node, user: string): Promise<Browser> {
  const browser = new Browser({ [shop.origin]: "shop" });
  await browser.send(`${shop.origin}/login`, { username: user, password: DEMO_PASSWORDS[user] ?? "" });
  return browser;
}

const me = (shop: Node, browser: Browser): Promise<string> => answerOf(browser.send(`${shop.origin}/me`));

/** authing-js-sdk 4: ManagementClient, API v2, with an access token for the secret. */
async function walkManagement(shop: Node, other: Node): Promise<void> {
  const client = new ManagementClient({ userPoolId: USER_POOL_ID, secret: SECRET, host: shop.origin });
  const laptop = await logIn(shop, "alice");

  const { totalCount, list } = (await client.applications.activeUsers(APP_ID)) as unknown as {
    totalCount: number;
    list: { id: string; email: string; lastIp: string; lastIP: string }[];
  };
  const [alice] = list;
  step(
    "activeUsers: alice is online",
    "1 alice alice@shop.example",
    `${String(totalCount)} ${String(alice?.id)} ${String(alice?.email)}`,
  );
  step(
    "with her address in both spellings",
    "true",
    String(alice?.lastIp !== undefined && alice.lastIp === alice.lastIP),
  );
  const status = await client.users.checkLoginStatus("alice", APP_ID);
  step(
    "checkLoginStatus: online",
    "true, alice, 0 applications",
    `${String(status.isLogin)}, ${String(status.user?.id)}, ${String(status.application?.length)} applications`,
  );
  step(
    "checkLoginStatus: offline",
    '{"isLogin":false,"application":[]}',
    await outcome(client.users.checkLoginStatus("bob")),
  );
  step(
    "checkLoginStatus: unknown",
    '{"isLogin":false,"application":[]}',
    await outcome(client.users.checkLoginStatus("nemo")),
  );

  const done = '{"code":200,"message":"强制下线成功"}';
  step("users.kick: online, offline, unknown", done, await outcome(client.users.kick(["alice", "bob", "nemo"])));
  step("the laptop is rejected on every node", ENDED, await me(other, laptop));
  step("and is anonymous after that", ANONYMOUS, await me(shop, laptop));

  const watch = await logIn(shop, "alice");
  step("kick-active-users, which the SDK has no method for", "done", await outcome(kickActiveUsers(client, shop)));
  step("the watch is rejected", ENDED, await me(other, watch));

  const phone = await logIn(other, "alice");
  step(
    "users.logout: in one application",
    done,
    await outcome(client.users.logout({ appId: APP_ID, userId: "alice" })),
  );
  step("the phone is rejected", ENDED, await me(other, phone));
  const tablet = await logIn(other, "alice");
  step("users.logout: in all applications", done, await outcome(client.users.logout({ userId: "alice" })));
  step("the tablet is rejected", ENDED, await me(shop, tablet));
  step("users.logout: unknown", done, await outcome(client.users.logout({ userId: "nemo" })));

  const wrong = new ManagementClient({ userPoolId: USER_POOL_ID, secret: "the wrong secret", host: shop.origin });
  const noKey = "userPoolId and secret must be those of an access key.";
  step("a wrong secret is refused", noKey, await outcome(wrong.users.kick(["alice"])));
  const stranger = new ManagementClient({ userPoolId: "other", secret: SECRET, host: shop.origin });
  step("and another user pool", noKey, await outcome(stranger.users.kick(["alice"])));
}

/** By the HTTP client of the SDK, with its headers and its access token. */
function kickActiveUsers(client: ManagementClient, { origin }: Node): Promise<unknown> {
  const { httpClient } = client as unknown as { httpClient: { request: (config: object) => Promise<unknown> } };
  const url = `${origin}/api/v2/applications/${APP_ID}/kick-active-users`;
  return httpClient.request({ method: "POST", url, data: { userIds: ["alice", "bob", "nemo"] } });
}

/** authing-js-sdk 4: AuthenticationClient, which runs in the browser. Here it is lent the browser's cookies. */
async function walkBrowser(shop: Node): Promise<void> {
  for (const call of ["logout", "logoutCurrent"] as const) {
    const [laptop, phone] = [await logIn(shop, "alice"), await logIn(shop, "alice")];
    const client = new BrowserClient({ appId: APP_ID, appHost: shop.origin });
    const { axios } = (client as unknown as { httpClient: { axios: { defaults: { headers: object } } } }).httpClient;
    Object.assign(axios.defaults.headers, { common: { cookie: laptop.cookies(shop.origin) } });
    step(`${call}: the browser logs itself out`, "done", await outcome(client[call]()));
    step("it is anonymous", ANONYMOUS, await me(shop, laptop));
    step("another browser of alice stays", '200 {"user":"alice"}', await me(shop, phone));
    step("again: nothing is left to do", "done", await outcome(client[call]()));
    step("the other browser logs itself out", "302 to /", await answerOf(phone.send(`${shop.origin}/cas-idp/logout`)));
  }
}

/** The links that both SDKs build. */
async function walkLinks(shop: Node): Promise<void> {
  const bye = `${shop.origin}/bye`;
  const options = { appId: APP_ID, appHost: shop.origin };
  const oidc = new NodeClient({ ...options, appSecret: "any", protocol: "oidc", redirectUri: bye });
  const links = {
    "oidc, with a state": oidc.buildLogoutUrl({ redirectUri: bye, idToken: "any", state: "42" }),
    cas: new BrowserClient({ ...options, protocol: "cas" }).buildLogoutUrl({ redirectUri: bye }),
    "the logout URL": new BrowserClient(options).buildLogoutUrl({ redirectUri: bye }),
  };
  for (const [name, link] of Object.entries(links)) {
    const laptop = await logIn(shop, "alice");
    const back = name.includes("state") ? `${bye}?state=42` : bye;
    step(`a link, ${name}: back to the page`, `302 to ${back}`, await answerOf(laptop.send(link)));
    step("the browser is anonymous", ANONYMOUS, await me(shop, laptop));
  }
  const laptop = await logIn(shop, "alice");
  const elsewhere = await laptop.send(oidc.buildLogoutUrl({ redirectUri: "https://evil.example" }));
  step(
    "a link to elsewhere logs out, and leads nowhere",
    "400 null",
    `${String(elsewhere.status)} ${String(elsewhere.headers.get("location"))}`,
  );
}

/** authing-node-sdk 4: ManagementClient, API v3, each request signed. */
async function walkSigned(shop: Node, other: Node): Promise<void> {
  const key = { accessKeyId: USER_POOL_ID, accessKeySecret: SECRET };
  const client = new SignedClient({ ...key, host: shop.origin });
  const laptop = await logIn(shop, "alice");
  const { data } = await client.listApplicationActiveUsers({
    appId: APP_ID,
    options: { pagination: { page: 1, limit: 10 } },
  });
  step(
    "listApplicationActiveUsers: alice is online",
    "1 alice",
    `${String(data.totalCount)} ${String(data.list[0]?.userId)}`,
  );
  const status = async (userId: string): Promise<string> => {
    const { data } = await client.checkSessionStatus({ appId: APP_ID, userId });
    return JSON.stringify(data);
  };
  step("checkSessionStatus: online", '{"active":true}', await status("alice"));
  step("checkSessionStatus: offline", '{"active":false}', await status("bob"));
  step("checkSessionStatus: unknown", '{"active":false}', await status("nemo"));
  const done = '{"statusCode":200,"message":"Success","data":{"success":true}}';
  for (const userId of ["alice", "bob", "nemo"]) {
    step(`kickUsers: ${userId}`, done, await outcome(client.kickUsers({ appIds: [APP_ID], userId })));
  }
  step("the laptop is rejected on every node", ENDED, await me(other, laptop));
  step(
    "no applications: refused in the body",
    '{"statusCode":400,"message":"appIds must be an array of at least one application id."}',
    await outcome(client.kickUsers({ appIds: [], userId: "alice" })),
  );
  step(
    "an unknown application: refused in the body",
    '{"statusCode":404,"message":"Unknown application."}',
    await outcome(client.kickUsers({ appIds: [APP_ID, "other"], userId: "alice" })),
  );
  const wrong = new SignedClient({ ...key, accessKeySecret: "the wrong secret", host: shop.origin });
  const misfit = "The signature does not fit this request and the secret of its access key.";
  step(
    "a wrong signature fails",
    `401 {"statusCode":401,"message":"${misfit}"}`,
    await outcome(wrong.kickUsers({ appIds: [APP_ID], userId: "alice" })),
  );
}

/** Requests that are signed here: GenAuth's scheme, an old date, a nonce that comes twice. */
async function walkSignatures(shop: Node): Promise<void> {
  const done = '200 {"statusCode":200,"message":"Success","data":{"success":true}}';
  const genauth = signed("GenAuth", "x-genauth-");
  step("a request of GenAuth", done, await answerOf(kickBy(shop, genauth)));
  const used = "x-genauth-signature-nonce was used before: each request needs a new one.";
  step(
    "the same once more is refused",
    `401 {"statusCode":401,"message":"${used}"}`,
    await answerOf(kickBy(shop, genauth)),
  );
  const old = signed("authing", "x-authing-", new Date(Date.now() - 301_000));
  const date = "Date must be the time of the request, within 5 minutes of this server's clock.";
  step("an old one is refused", `401 {"statusCode":401,"message":"${date}"}`, await answerOf(kickBy(shop, old)));
}

const KICK_PATH = "/api/v3/kick-users";
const KICK = { appIds: [APP_ID], userId: "alice" };

function kickBy(shop: Node, headers: Record<string, string>): Promise<Response> {
  return fetch(shop.origin + KICK_PATH, { method: "POST", headers, body: JSON.stringify(KICK) });
}

function signed(scheme: string, prefix: string, date = new Date()): Record<string, string> {
  const headers = { date: date.toUTCString(), [`${prefix}lang`]: "en-US", [`${prefix}signature-nonce`]: randomUUID() };
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
  const text = `POST\n${lines.join("")}${KICK_PATH}?appIds=${JSON.stringify(KICK.appIds)}&userId=${KICK.userId}`;
  const hmac = createHmac("sha1", SECRET).update(text).digest("base64");
  return { ...headers, authorization: `${scheme} ${USER_POOL_ID}:${hmac}`, "content-type": "application/json" };
}

const nodes: Node[] = [];
try {
  const env = { SDK_SECRET: SECRET };
  nodes.push(await startNode(env));
  if (REDIS_URL !== undefined) nodes.push(await startNode(env));
  const [shop, other = shop] = nodes as [Node, Node?];
  console.log(REDIS_URL === undefined ? "One process, in memory\n" : `Two processes, on ${REDIS_URL}\n`);
  await walkManagement(shop, other);
  await walkBrowser(shop);
  await walkLinks(shop);
  await walkSigned(shop, other);
  await walkSignatures(shop);
} finally {
  for (const { process } of nodes) process.kill();
}
finishTranscript();
