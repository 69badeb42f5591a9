// A walk through logins with the company account, and logouts both ways, as a transcript. A difference causes exit code 1.
import { Browser } from "./company/browser.js";
import { startProvider } from "./company/provider.js";
import { freePort, loginsOfAlice, startNode, type Node } from "./node.js";
import { answerOf, finishTranscript, step } from "./transcript.js";
import { DEMO_PASSWORDS } from "./users.js";

const ALICE = { username: "alice", password: DEMO_PASSWORDS["alice"] ?? "" };
const SERVED = '200 {"user":"alice"}';
const ANONYMOUS = "302 to /login";
const ENDED = '401 {"code":401,"message":"You have been logged out: Logged out at the identity provider"}';
const ASKS_FOR_PASSWORD = "shop /login/company, company /auth, company /login/…: 200";
const TO_SHOP = "shop /login/company/callback, shop /: 200";
const LOGS_IN = `company /login/…, company /auth/…, ${TO_SHOP}`;

interface Sent {
  readonly body: string;
  readonly answer: string;
}

/** What the company has sent to the shop since the last look. */
const sent: Sent[] = [];

async function send(...[url, init]: Parameters<typeof fetch>): Promise<Response> {
  const response = await fetch(url, init);
  sent.push({ body: await new Request(url, init).text(), answer: await answerOf(response.clone()) });
  return response;
}

async function walk(shop: Node, company: string): Promise<void> {
  const servers = { [shop.origin]: "shop", [company]: "company" };
  const [laptop, phone, tablet] = [new Browser(servers), new Browser(servers), new Browser(servers)];
  const me = (browser: Browser): Promise<string> => answerOf(browser.send(`${shop.origin}/me`));
  const startLogin = (browser: Browser): Promise<string> => browser.open(`${shop.origin}/login/company`);

  for (const [name, browser] of Object.entries({ laptop, phone })) {
    step(`on the ${name}, the shop sends alice to the company`, ASKS_FOR_PASSWORD, await startLogin(browser));
    step("which sends the browser back, logged in", LOGS_IN, await browser.submit(ALICE));
    step(`the ${name} is served`, SERVED, await me(browser));
  }
  const atShop = answerOf(tablet.send(`${shop.origin}/login`, ALICE));
  step("on the tablet, alice logs in at the shop itself", "303 to /", await atShop);
  step("all are listed", "3 logins", await loginsOfAlice(shop));

  await logOutAtCompany(laptop, company);
  step("the company has sent one logout token", "204", sent.map(({ answer }) => answer).join());
  step("the laptop is rejected, with the reason", ENDED, await me(laptop));
  step("and is anonymous after that", ANONYMOUS, await me(laptop));
  step("the phone is served", SERVED, await me(phone));
  step("the tablet is served", SERVED, await me(tablet));
  step("two are listed", "2 logins", await loginsOfAlice(shop));

  step("on the laptop, the company asks for the password again", ASKS_FOR_PASSWORD, await startLogin(laptop));
  step("alice logs in again", LOGS_IN, await laptop.submit(ALICE));
  await sendAgain(shop);
  step("the laptop is served", SERVED, await me(laptop));
  step("nothing else has ended", "3 logins", await loginsOfAlice(shop));

  await logOutHere(laptop, shop);
  step("the laptop is anonymous", ANONYMOUS, await me(laptop));
  step("the company's session has ended: it asks for the password", ASKS_FOR_PASSWORD, await startLogin(laptop));
  step("the phone is served", SERVED, await me(phone));
  step("the tablet is served", SERVED, await me(tablet));
  step("two are listed", "2 logins", await loginsOfAlice(shop));
}

async function logOutAtCompany(browser: Browser, company: string): Promise<void> {
  sent.length = 0;
  const asks = await browser.open(`${company}/session/end`);
  step("on the laptop, alice logs out at the company, which asks", "company /session/end: 200", asks);
  const ends = await browser.submit({ logout: "yes" });
  step("and ends its session", "company /session/end/confirm, company /session/end/success: 200", ends);
}

/** Sends the last logout token again, as a provider does that missed the answer; then with one letter changed. */
async function sendAgain(shop: Node): Promise<void> {
  const token = new URLSearchParams(sent.at(-1)?.body).get("logout_token") ?? "";
  const post = (logout_token: string): Promise<string> =>
    answerOf(
      fetch(`${shop.origin}/oidc/backchannel-logout`, { method: "POST", body: new URLSearchParams({ logout_token }) }),
    );
  step("the same logout token comes again", "204", await post(token));
  const [header = "", payload = "", signature = ""] = token.split(".");
  const other = (signature.startsWith("A") ? "B" : "A") + signature.slice(1);
  step(
    "a token with another signature is refused",
    '400 {"error":"invalid_request","error_description":"The signature of the token is not valid."}',
    await post([header, payload, other].join(".")),
  );
}

async function logOutHere(browser: Browser, shop: Node): Promise<void> {
  const knows = await browser.open(`${shop.origin}/login/company`);
  step("the company still knows the laptop: no password", `shop /login/company, company /auth, ${TO_SHOP}`, knows);
  sent.length = 0;
  const logoutUrl = `${shop.origin}/login/profile/logout?redirect_uri=${encodeURIComponent(`${shop.origin}/bye`)}`;
  step(
    "on the laptop, alice logs out here, and the company asks about its own session",
    "shop /login/profile/logout, company /session/end: 200",
    await browser.open(logoutUrl),
  );
  step("the login has ended before the answer", "2 logins", await loginsOfAlice(shop));
  step(
    "alice confirms, and comes back",
    "company /session/end/confirm, shop /login/profile/logout/return, shop /bye: 200",
    await browser.submit({ logout: "yes" }),
  );
  step("the company's token for the ended login is accepted", "204", sent.map(({ answer }) => answer).join());
}

const [shopPort, port] = [await freePort(), await freePort()];
const { issuer, server } = await startProvider({ port, shopOrigin: `http://localhost:${String(shopPort)}`, send });
try {
  const shop = await startNode({ OIDC_ISSUER: issuer }, shopPort);
  try {
    console.log(`The shop: ${shop.origin}. The company: ${issuer}.\n`);
    await walk(shop, issuer);
  } finally {
    shop.process.kill();
  }
} finally {
  server.close();
  server.closeAllConnections();
}
finishTranscript();
