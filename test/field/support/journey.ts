import { expect } from "@jest/globals";
import request, { type Response } from "supertest";
import { textOf } from "../../support/pages.js";
import { Device } from "./device.js";
import { APP_ID, POOL_ID, TOKEN } from "./shop.js";

const ADMIN = { Authorization: TOKEN, "x-authing-userpool-id": POOL_ID };
const API = `/api/applications/${APP_ID}`;

/** The properties of an app that the journey needs. */
export interface Journey {
  readonly url: string;
  /** Logs a user in, in one step. Default: by the form of `/login`. */
  readonly logIn?: (device: Device, user: string) => Promise<Response>;
  /** The page that greets a logged-in user. Default: `/me`. */
  readonly home?: string;
  /** The prefix of the package's routes. Default: empty. */
  readonly prefix?: string;
}

export const logInByForm = (device: Device, user: string): Promise<Response> =>
  device.formOf("/login", "/login", { user });

/** The user whom a page greets. */
export const greeted = ({ text }: Response): string | undefined => /Hello (\w+)/.exec(text)?.[1];

/** Takes a user through an app: two devices, listed, kicked, rejected with the reason, back in one step, and out. */
export async function expectJourney(journey: Journey): Promise<void> {
  const { url, home = "/me", prefix = "", logIn = logInByForm } = journey;
  const [phone, laptop] = [new Device(url), new Device(url)];
  for (const device of [phone, laptop]) await expectLogin(journey, device);
  expect(await online(url, prefix)).toEqual({ alice: 2 });

  await kick(url, ["alice"], prefix);
  expect(await online(url, prefix)).toEqual({});
  expectRejection(await phone.page(home));
  // The phone has seen the reason, the laptop has not: neither needs a second attempt.
  for (const device of [phone, laptop]) await expectLogin({ ...journey, logIn }, device);
  expect(await online(url, prefix)).toEqual({ alice: 2 });

  await expectFinal(journey, phone, () => phone.page(`${prefix}/login/profile/logout`));
  await expectFinal(journey, laptop, () => laptop.form(`${prefix}/u/logout`));
  expect(await online(url, prefix)).toEqual({});
}

async function expectLogin({ home = "/me", logIn = logInByForm }: Journey, device: Device): Promise<void> {
  const answer = await logIn(device, "alice");
  expect([answer.status, answer.text]).toEqual([expect.any(Number), expect.not.stringContaining("logged out")]);
  expect(answer.status).toBeLessThan(400);
  expect(greeted(await device.page(home))).toBe("alice");
}

/** The answer to the first page of a kicked login. */
export function expectRejection(answer: Response): void {
  expect(answer.status).toBe(401);
  expect(textOf(answer.text)).toContain("An administrator has forced you offline.");
  expect(answer.headers["set-cookie"]).toBeDefined();
}

/** A logout while a request of the same session is in its handler, which saves the session afterwards. */
async function expectFinal(
  { url, home = "/me" }: Journey,
  device: Device,
  logOut: () => Promise<Response>,
): Promise<void> {
  const before = device.clone();
  const slow = before.clone().page("/slow");
  await request(url).get("/slow/arrived").trustLocalhost();
  const { status } = await logOut();
  await request(url).get("/slow/open").trustLocalhost();
  expect([status, (await slow).status]).toEqual([expect.any(Number), 200]);
  expect([302, 303]).toContain(status);
  for (const each of [before, device]) {
    const page = await each.page(home);
    expect(page.status).toBeLessThan(500);
    expect(greeted(page)).toBeUndefined();
  }
}

/** Kicks users as a back end does. */
export async function kick(url: string, userIds: readonly string[], prefix = ""): Promise<Response> {
  const answer = await request(url)
    .post(`${prefix}${API}/kick-active-users`)
    .trustLocalhost()
    .set(ADMIN)
    .send({ userIds });
  expect(answer.body).toEqual({ code: 200, message: "Forced offline successful" });
  return answer;
}

/** The users online, with their numbers of logins. */
export async function online(url: string, prefix = ""): Promise<Record<string, number>> {
  const answer = await request(url).get(`${prefix}${API}/active-users`).trustLocalhost().set(ADMIN);
  expect(answer.status).toBe(200);
  const { list } = (answer.body as { data: { list: { id: string; loginsCount: number }[] } }).data;
  return Object.fromEntries(list.map(({ id, loginsCount }) => [id, loginsCount]));
}
