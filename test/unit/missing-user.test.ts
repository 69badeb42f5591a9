import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { MissingUser } from "../../lib/session/rules/missing-user.js";

const warnings: { text: string; options: unknown }[] = [];
const texts = (): string[] => warnings.map(({ text }) => text);

describe("sessions that are saved without a user id", () => {
  let missing: MissingUser;
  beforeEach(() => {
    missing = new MissingUser();
    warnings.length = 0;
    jest.spyOn(process, "emitWarning").mockImplementation((text, options) => {
      warnings.push({ text: String(text), options });
    });
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });
  const save = (data: object, times = 1): void => {
    for (let sid = 0; sid < times; sid += 1) missing.saved(`sid ${String(sid)}`, { cookie: {}, ...data });
  };

  it.each([
    "user_ID",
    "accountId",
    "account",
    "memberId",
    "customerId",
    "email",
    "profile",
    "claims",
    "sub",
    "keycloak-token",
    "auth0",
    "loggedInUser",
    "currentUser",
    "oidc.user",
  ])("are reported at once if a key looks like a user's: %s", (key) => {
    save({ [key]: "a secret value", cart: 1 });
    save({ [key]: "a secret value" });
    expect(texts()).toEqual([expect.stringContaining(`Sessions have: ${key}.`)]);
    expect(texts().join()).not.toContain("secret");
    expect(warnings[0]?.options).toEqual({
      type: "ExpressLogoutWarning",
      code: "EXPRESS_LOGOUT_NO_USER_ID",
    });
  });

  it.each([
    { user: false },
    { user: {} },
    { user: null },
    { isAdmin: true },
    { rememberMe: "yes" },
    { discount: 5 },
    { passport: {} },
    { passport: { user: undefined } },
    { csrfSecret: "x" },
    { "alice@example.com user": 1 },
  ])("are not reported at once if no key holds a user: %j", (data) => {
    save(data, 99);
    expect(texts()).toEqual([]);
  });

  it("are reported after 100 of them, by the keys that they share", () => {
    for (let sid = 0; sid < 100; sid += 1) {
      expect(texts()).toEqual([]);
      missing.saved(`sid ${String(sid)}`, { cookie: {}, who: "alice", expressLogout: "x", [`once${String(sid)}`]: 1 });
    }
    expect(texts()).toEqual([expect.stringContaining("Sessions have: who.")]);
  });

  it("are not reported for one session that is saved often, nor for those without data", () => {
    for (let save = 0; save < 200; save += 1) missing.saved("the same", { cookie: {}, cart: save });
    save({}, 200);
    expect(texts()).toEqual([]);
  });

  it("are not reported once a session had a user id", () => {
    save({ cart: 1 }, 99);
    missing.found();
    save({ cart: 1, accountId: 5 }, 200);
    expect(texts()).toEqual([]);
  });
});
