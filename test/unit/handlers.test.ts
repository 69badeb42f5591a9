import { describe, expect, it } from "@jest/globals";
import { kickActiveUsers } from "../../lib/http/authing-api/kick-active-users.js";
import { logoutByNavigation, logoutByPost } from "../../lib/http/logout/logout-route.js";
import { confirmForceOffline } from "../../lib/http/pages/console/confirm-force-offline.js";
import { forceOffline } from "../../lib/http/pages/console/force-offline.js";
import {
  endOneLogin,
  endOtherLogins,
  logoutFromMenu,
  showPersonalCenter,
} from "../../lib/http/pages/personal-center.js";
import { handlerContext, routeRequest, type Asked } from "../support/route-request.js";

const BYE = "https://shop.example/bye";
const POST = { method: "POST", headers: { accept: "text/html", "sec-fetch-site": "same-origin" } } as const;

describe("the logout URL", () => {
  const context = handlerContext({ redirects: { allow: [BYE] } });
  const visit = async (asked: Asked) => {
    const request = routeRequest({ path: "/login/profile/logout", ...asked });
    return { reply: await logoutByNavigation(context, request), calls: request.calls };
  };

  it.each([
    ["home", {}, "/"],
    ["to a listed address", { query: { redirect_uri: BYE } }, BYE],
    ["home for an empty address", { query: { redirect_uri: "" } }, "/"],
  ])("logs out and redirects %s", async (_where, asked, redirect) => {
    expect(await visit(asked)).toEqual({ reply: { status: 302, redirect }, calls: ["logout"] });
  });

  it.each([
    ["an unlisted address", "https://evil.example/"],
    ["several addresses", [BYE, BYE]],
  ])("logs out, and shows a page for %s", async (_what, uri) => {
    const { reply, calls } = await visit({ query: { redirect_uri: uri } });
    expect(reply).toMatchObject({ status: 400, vary: "Accept", page: expect.stringContaining("You are logged out") });
    expect(calls).toEqual(["logout"]);
  });

  it("returns the address to a client that asks for JSON", async () => {
    const { reply } = await visit({ query: { redirect_uri: BYE }, headers: { accept: "application/json" } });
    expect(reply).toEqual({ status: 200, json: { code: 200, message: "You are logged out", redirectTo: BYE } });
  });

  it("reads the address of a POST from its form, and redirects with 303", async () => {
    const request = routeRequest({ ...POST, form: { redirect_uri: BYE } });
    expect(await logoutByPost(context, request)).toEqual({ status: 303, redirect: BYE });
    expect(request.calls).toEqual(["logout", "form"]);
  });

  it.each([
    ["a POST of another origin", logoutByPost, { method: "POST", headers: { "sec-fetch-site": "cross-site" } }],
    ["a GET that is no navigation", logoutByNavigation, { headers: { "sec-fetch-dest": "image" } }],
  ])("does not log out by %s", async (_what, handler, asked) => {
    const request = routeRequest(asked);
    await expect(handler(context, request)).rejects.toMatchObject({ code: "ERR_REQUEST_INVALID", status: 403 });
    expect(request.calls).toEqual([]);
  });
});

describe("kick-active-users", () => {
  const admin = { userPoolId: "pool", tokens: ["token"] };
  const headers = { authorization: "Bearer token", "x-authing-userpool-id": "pool" };
  const kick = (context: ReturnType<typeof handlerContext>, json: unknown, more: Asked = {}) =>
    kickActiveUsers(context, routeRequest({ method: "POST", headers, json, ...more }));

  it("kicks the users", async () => {
    const context = handlerContext({ admin });
    await context.begin("alice", "s1");
    expect(await kick(context, { userIds: ["alice", "bob"] })).toEqual({
      status: 200,
      json: { code: 200, message: "Forced offline successful" },
    });
    expect((await context.logins.list("alice")).total).toBe(0);
  });

  it.each([
    ["an array", ["alice"]],
    ["no user ids", {}],
    ["an empty list", { userIds: [] }],
    ["an empty user id", { userIds: ["alice", ""] }],
    ["a number", { userIds: ["alice", 7] }],
    ["a user id of 257 characters", { userIds: ["a".repeat(257)] }],
    ["1,001 user ids", { userIds: Array.from({ length: 1_001 }, String) }],
    ["another application", { userIds: ["alice"], appId: "other" }],
  ])("kicks no user for %s", async (_what, body) => {
    const context = handlerContext({ admin });
    await context.begin("alice", "s1");
    await expect(kick(context, body)).rejects.toMatchObject({ code: "ERR_REQUEST_INVALID", status: 400 });
    expect((await context.logins.list("alice")).total).toBe(1);
  });

  it.each([
    ["without a token", {}, 401],
    ["with a wrong token", { ...headers, authorization: "wrong" }, 401],
    ["without a user pool", { authorization: "token" }, 400],
    ["with another user pool", { ...headers, "x-authing-userpool-id": "other" }, 403],
  ])("does not read the body %s", async (_what, given, status) => {
    const request = routeRequest({ method: "POST", headers: given, json: { userIds: ["alice"] } });
    await expect(kickActiveUsers(handlerContext({ admin }), request)).rejects.toMatchObject({ status });
    expect(request.calls).toEqual([]);
  });
});

describe("the personal center", () => {
  it("redirects a browser without a login to log in, with the way back", async () => {
    const request = routeRequest({ path: "/u", addresses: { search: "?ended=1" } });
    const redirect = "/login?returnTo=%2Fu%3Fended%3D1";
    expect(await showPersonalCenter(handlerContext(), request)).toEqual({ status: 303, redirect });
  });

  it("ends one login, by its id, and shows the page again", async () => {
    const context = handlerContext();
    const [login, other] = [await context.begin("alice", "s1"), await context.begin("alice", "s2")];
    const request = routeRequest({ ...POST, path: "/shop/u/end-login", login, form: { loginId: other.id } });
    expect(await endOneLogin(context, request)).toEqual({ status: 303, redirect: "/shop/u?ended=1" });
    expect((await context.logins.list("alice")).items.map(({ id }) => id)).toEqual([login.id]);
  });

  it.each([
    ["its own", (own: string) => own, 0],
    ["one that is not listed", () => "x".repeat(22), 0],
    ["none", () => "", 0],
  ])("does not end %s", async (_which, loginId, ended) => {
    const context = handlerContext();
    const login = await context.begin("alice", "s1");
    const request = routeRequest({ ...POST, path: "/u/end-login", login, form: { loginId: loginId(login.id) } });
    expect(await endOneLogin(context, request)).toEqual({ status: 303, redirect: `/u?ended=${String(ended)}` });
    expect((await context.logins.list("alice")).total).toBe(1);
  });

  it.each([
    ["redirects to confirm", "/confirm", { status: 303, redirect: "/confirm" }],
    ["refuses", false, { status: 403, page: expect.stringContaining("Confirm your identity") }],
  ])("%s, and ends nothing, if the app wants a confirmation", async (_what, confirmed, reply) => {
    const context = handlerContext({ pages: { confirmIdentity: () => confirmed } });
    const login = await context.begin("alice", "s1");
    await context.begin("alice", "s2");
    const request = routeRequest({ ...POST, path: "/u/end-others", login });
    expect(await endOtherLogins(context, request)).toMatchObject(reply);
    expect((await context.logins.list("alice")).total).toBe(2);
  });

  it("ends nothing for a POST of another origin", async () => {
    const context = handlerContext();
    const login = await context.begin("alice", "s1");
    const request = routeRequest({ method: "POST", headers: { origin: "https://evil.example" }, login });
    await expect(endOtherLogins(context, request)).rejects.toMatchObject({ status: 403 });
    expect(request.calls).toEqual([]);
  });
});

describe("pages.html: false", () => {
  const options = { pages: { html: false }, console: { authorize: () => true } };
  const open = async (confirmIdentity: () => string | boolean = () => true) => {
    const context = handlerContext({ ...options, pages: { html: false, confirmIdentity } });
    return { context, login: await context.begin("alice", "s1"), other: await context.begin("alice", "s2") };
  };
  const post = { ...POST, isHtml: false } as const;

  it("has JSON for a logout from a menu", async () => {
    const request = routeRequest({ ...post, path: "/u/logout" });
    expect(await logoutFromMenu(handlerContext(options), request)).toEqual({
      status: 200,
      json: { code: 200, message: "You are logged out", redirectTo: "/" },
    });
    expect(request.calls).toContain("logout");
  });

  it("has JSON for logins that users end", async () => {
    const { context, login, other } = await open();
    const asked = { ...post, path: "/u/end-login", login };
    expect(await endOneLogin(context, routeRequest({ ...asked, form: { loginId: other.id } }))).toEqual({
      status: 200,
      json: { code: 200, message: "1 device logged out.", ended: 1 },
    });
    expect(await endOtherLogins(context, routeRequest(asked))).toMatchObject({ json: { ended: 0 } });
  });

  it.each(["/confirm", false] as const)("has JSON for a user who must confirm: %s", async (confirmed) => {
    const { context, login } = await open(() => confirmed);
    const json = { code: 403, confirmUrl: confirmed === false ? undefined : confirmed };
    expect(await endOtherLogins(context, routeRequest({ ...post, login }))).toMatchObject({ status: 403, json });
    expect((await context.logins.list("alice")).total).toBe(2);
  });

  it("has JSON for users who are forced offline", async () => {
    const { context, login } = await open();
    const force = (form: Asked["form"] = {}) => forceOffline(context, routeRequest({ ...post, login, form }));
    expect(await force({ everyone: "other" })).toMatchObject({ status: 400, json: { code: 400 } });
    const message = "1 user forced offline (2 logins ended)";
    expect(await force({ user: "alice" })).toEqual({ status: 200, json: { code: 200, message, users: 1, logins: 2 } });
  });
});

describe("the console", () => {
  const open = async (authorize: () => boolean = () => true) => {
    const context = handlerContext({ console: { authorize } });
    return { context, login: await context.begin("root", "s0") };
  };
  const path = "/admin/force-offline";

  it("asks before users are forced offline", async () => {
    const { context, login } = await open();
    await context.begin("alice", "s1");
    await context.begin("alice", "s2");
    const reply = await confirmForceOffline(context, routeRequest({ path, login, query: { user: "alice" } }));
    expect(reply).toMatchObject({ status: 200, page: expect.stringContaining("This ends 2 logins.") });
    expect((await context.logins.list("alice")).total).toBe(2);
  });

  it("asks nothing without a user", async () => {
    const { context, login } = await open();
    const reply = await confirmForceOffline(context, routeRequest({ path, login }));
    expect(reply).toMatchObject({ status: 409, page: expect.stringContaining("already offline") });
  });

  it("shows a 403 to a user who is no administrator, and kicks no user", async () => {
    const { context, login } = await open(() => false);
    await context.begin("alice", "s1");
    const reply = await forceOffline(context, routeRequest({ ...POST, path, login, form: { user: "alice" } }));
    expect(reply).toMatchObject({ status: 403, page: expect.stringContaining("administrators") });
    expect((await context.logins.list("alice")).total).toBe(1);
  });

  it("forces users offline, and redirects to the result", async () => {
    const { context, login } = await open();
    await context.begin("alice", "s1");
    const reply = await forceOffline(context, routeRequest({ ...POST, path, login, form: { user: "alice" } }));
    expect(reply).toEqual({ status: 303, redirect: "/admin?users=1&logins=1" });
    expect((await context.logins.list("alice")).total).toBe(0);
  });

  it.each([
    ["Shop", { status: 400 }, 1],
    ["shop", { status: 303, redirect: "/admin?users=1&logins=1" }, 0],
  ])("forces everyone offline only if the application id is typed: %s", async (everyone, reply, left) => {
    const { context, login } = await open();
    await context.begin("alice", "s1");
    expect(await forceOffline(context, routeRequest({ ...POST, path, login, form: { everyone } }))).toMatchObject(
      reply,
    );
    expect((await context.logins.list("alice")).total).toBe(left);
  });

  it("says what was done to an administrator who is logged out as well", async () => {
    const { context, login } = await open();
    await context.begin("alice", "s1");
    const form = { everyone: "shop", me: "1" };
    const reply = await forceOffline(context, routeRequest({ ...POST, path, login, form }));
    expect(reply).toMatchObject({ status: 200, page: expect.stringContaining("2 users forced offline") });
    expect((await context.logins.list("root")).total).toBe(0);
  });

  it("reports the progress line by line to a script", async () => {
    const { context, login } = await open();
    const headers = { ...POST.headers, accept: "application/x-ndjson" };
    const reply = await forceOffline(
      context,
      routeRequest({ ...POST, headers, path, login, form: { everyone: "shop" } }),
    );
    const lines: object[] = [];
    if ("lines" in reply) await reply.lines((line) => void lines.push(line), new AbortController().signal);
    expect(lines).toMatchObject([
      { done: 0, total: 1 },
      { code: 200, seconds: expect.any(Number) },
    ]);
  });
});
