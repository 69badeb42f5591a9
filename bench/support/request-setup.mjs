import { connectionOf, placeOf } from "./places.mjs";
import { note } from "./print.mjs";
import { REQUEST_ARMS } from "./request-arms.mjs";
import { startArm } from "./start-arm.mjs";
import { Load } from "./wrk.mjs";

const ALL_KINDS = ["logged-in", "anonymous", "visitor", "write"];

/**
 * Starts the arms, logs users in at each, and checks that each keeps its users apart and rejects kicked users.
 *
 * @param servers - where the arms keep their sessions: `redisPort` of their way to Redis, `folder` of their files
 * @param places - which places are measured, by default all
 * @returns the arms that can be measured, each with its loads by kind
 */
export async function startRequestArms({ servers, users, only, kinds = ALL_KINDS, places }) {
  const arms = [];
  for (const [index, description] of REQUEST_ARMS.entries()) {
    const { name, settings, base } = description;
    const isAsked =
      only === undefined ||
      only.includes(name) ||
      REQUEST_ARMS.some((arm) => only.includes(arm.name) && arm.base === name);
    if (!isAsked || places?.includes(placeOf(settings)) === false) continue;
    const connection = connectionOf(settings, servers, `arm-${index}`);
    const arm = await startArm({ ...description, settings: { ...settings, ...connection } });
    if (arm.unavailable !== undefined) {
      arms.push({ ...description, ...arm });
      continue;
    }
    const cookies = [];
    for (let user = 0; user < users; user += 1) cookies.push(await arm.ask("logIn", `user-${user}`));
    const known = kinds.filter((kind) => (description.kinds ?? ALL_KINDS).includes(kind));
    const loads = Object.fromEntries(
      await Promise.all(known.map(async (kind) => [kind, await loadOf(kind, arm, cookies)])),
    );
    arms.push({ ...description, ...arm, base, cookies, loads });
  }
  for (const arm of arms) if (arm.unavailable !== undefined) note(`Not available: ${arm.name} (${arm.unavailable})`);
  const running = arms.filter(({ unavailable }) => unavailable === undefined);
  await checkArms(running);
  return { arms, running };
}

export async function stopRequestArms(arms) {
  for (const { loads, close } of arms) {
    for (const load of Object.values(loads)) load.close();
    await close();
  }
}

async function loadOf(kind, arm, cookies) {
  if (kind === "logged-in") return new Load(`${arm.origin}/me`, cookies);
  if (kind === "write") return new Load(`${arm.origin}/write`, cookies);
  if (kind === "anonymous") return new Load(`${arm.origin}/me`, [undefined]);
  const visitors = await Promise.all(
    cookies.map(async () => {
      const response = await fetch(`${arm.origin}/visit`);
      return response.headers.getSetCookie()[0].split(";")[0];
    }),
  );
  return new Load(`${arm.origin}/me`, visitors);
}

/** An arm that does not do its work is not to be compared: asked before the first slice and after the last. */
export async function checkArms(arms) {
  for (const { name, origin, cookies, ask, isOpen = false } of arms) {
    const who = async (cookie) => {
      const response = await fetch(`${origin}/me`, { headers: { cookie } });
      return { status: response.status, user: await response.text() };
    };
    const fail = (what) => {
      throw new Error(`The arm "${name}": ${what}`);
    };
    for (const user of [0, cookies.length - 1]) {
      const answer = await who(cookies[user]);
      if (answer.user !== `user-${user}`) fail(`user-${user} is answered ${answer.status} as "${answer.user}".`);
    }
    if ((await who("")).user !== "anonymous") fail("a request without a cookie is not anonymous.");
    if (isOpen) continue;
    const kicked = await ask("logIn", "kicked");
    if ((await who(kicked)).user !== "kicked") fail("the user to be kicked is not logged in.");
    await ask("kick", "kicked");
    if ((await who(kicked)).user === "kicked") fail("a kicked user is served.");
  }
}
