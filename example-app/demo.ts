// A walk through the app as a transcript: expected and actual answers. A difference causes exit code 1.
import { APP_ID } from "./config.js";
import { admin, loginsOfAlice, startNode, type Node } from "./node.js";
import { answerOf, finishTranscript, step } from "./transcript.js";
import { DEMO_PASSWORDS } from "./users.js";

const SLOW_MS = 1_000;
const { LOGINS, REDIS_URL } = process.env;
/** What several processes share; memory is for one. */
const shared = LOGINS ?? REDIS_URL;

/** A browser, as far as cookies go. */
class Device {
  #cookie = "";
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  async send(node: Node, path: string, form?: Record<string, string>): Promise<Response> {
    const response = await fetch(node.origin + path, {
      redirect: "manual",
      headers: { cookie: this.#cookie },
      ...(form === undefined ? {} : { method: "POST", body: new URLSearchParams(form) }),
    });
    for (const cookie of response.headers.getSetCookie()) this.#cookie = cookie.split(";")[0] ?? "";
    return response;
  }
}

function logIn(device: Device, node: Node): Promise<string> {
  return answerOf(device.send(node, "/login", { username: "alice", password: DEMO_PASSWORDS["alice"] ?? "" }));
}

async function walk(first: Node, second: Node): Promise<void> {
  const laptop = new Device("the laptop");
  const phone = new Device("the phone");
  const reason = '401 {"code":401,"message":"You have been logged out: An administrator has forced you offline."}';

  step("alice logs in on the laptop", "303 to /", await logIn(laptop, first));
  step("alice logs in on the phone", "303 to /", await logIn(phone, second));
  step("both are listed", "2 logins", await loginsOfAlice(first));
  step("the laptop is served", '200 {"user":"alice"}', await answerOf(laptop.send(first, "/me")));

  const inFlight = answerOf(laptop.send(first, "/slow"));
  await new Promise((resolve) => setTimeout(resolve, SLOW_MS / 2));
  const kicked = await admin(second, "kick-active-users", { userIds: ["alice"], appId: APP_ID });
  step(
    "a back end kicks alice, while a request of the laptop is in flight",
    '200 {"code":200,"message":"Forced offline successful"}',
    await answerOf(kicked),
  );
  step("no user is listed", "0 logins", await loginsOfAlice(first));
  step("the phone is rejected, with the reason", reason, await answerOf(phone.send(first, "/me")));
  step("and is anonymous after that", "302 to /login", await answerOf(phone.send(first, "/me")));
  step("the request in flight ends, and saves its session", "200 Written to your session, visit 1.", await inFlight);
  step("the laptop is rejected all the same, with the reason", reason, await answerOf(laptop.send(first, "/me")));
  step("and is anonymous after that", "302 to /login", await answerOf(laptop.send(second, "/me")));

  step("alice logs in again", "303 to /", await logIn(laptop, first));
  step("and is served", '200 {"user":"alice"}', await answerOf(laptop.send(second, "/me")));
  const returnUrl = `${second.origin}/bye`;
  const logoutUrl = `/login/profile/logout?redirect_uri=${encodeURIComponent(returnUrl)}`;
  step(
    "alice logs out by URL, with a return address",
    `302 to ${returnUrl}`,
    await answerOf(laptop.send(second, logoutUrl)),
  );
  step("and is anonymous", "302 to /login", await answerOf(laptop.send(first, "/me")));
  step("no user is listed", "0 logins", await loginsOfAlice(second));
}

const env = { SLOW_MS: String(SLOW_MS) };
const nodes = [await startNode(env)];
if (shared !== undefined) nodes.push(await startNode(env));
try {
  const [first, second = first] = nodes as [Node, Node?];
  console.log(
    second === first
      ? `One process, in memory: ${first.origin}\n`
      : `Two processes, on ${String(shared)}: ${first.origin} and ${second.origin}\n`,
  );
  await walk(first, second);
} finally {
  for (const node of nodes) node.process.kill();
}
finishTranscript();
