import { afterEach, describe, expect, it } from "@jest/globals";
import { Browser } from "../support/http.js";
import { SilentStore } from "../support/odd-stores.js";
import { POOL_ID, TOKEN, useSites } from "../support/site.js";

const openSite = useSites();
const ADMIN = { Authorization: TOKEN, "x-authing-userpool-id": POOL_ID };
const UNAVAILABLE = { status: 503, body: { error: "ERR_STORE_UNAVAILABLE" } };

describe("a store that never answers", () => {
  let store: SilentStore;
  afterEach(() => {
    store.silent.clear();
  });

  async function siteWithAlice() {
    store = new SilentStore();
    const site = await openSite({ auth: { store, sessions: { storeTimeoutMs: 300 } } });
    return { site, alice: await site.login("alice") };
  }

  async function answer(sent: Promise<{ status: number; body: unknown }>) {
    const { status, body } = await sent;
    return { status, body };
  }

  it("when it is read: the request is answered 503, and served once the store answers again", async () => {
    const { site, alice } = await siteWithAlice();
    store.silent.add("get");
    expect(await answer(alice.get("/me"))).toEqual(UNAVAILABLE);
    store.silent.clear();
    expect(await site.user(alice)).toBe("alice");
  });

  it("when a login is written: the login is answered 503 and not listed, though the store has it", async () => {
    const { site } = await siteWithAlice();
    store.silent.add("set");
    const bob = new Browser(site.url);
    expect(await answer(bob.post("/login", { user: "bob" }))).toEqual(UNAVAILABLE);
    store.silent.clear();
    expect([...store.rows.values()].join()).toContain("bob");
    expect((await site.auth.listLogins("bob")).items).toEqual([]);
    expect(await site.user(bob)).toBeNull();
  });

  it("when the session id is rotated: the request is answered 503", async () => {
    const { alice } = await siteWithAlice();
    store.silent.add("destroy");
    expect(await answer(alice.post("/login", { user: "alice" }))).toEqual(UNAVAILABLE);
  });

  it("when a session is touched: the answer ends, the app gets the error, and the login continues", async () => {
    const { site, alice } = await siteWithAlice();
    store.silent.add("touch");
    // express-session has sent the answer's head by then.
    expect(await site.user(alice)).toBe("alice");
    store.silent.clear();
    expect(await site.user(alice)).toBe("alice");
    expect(site.errors).toMatchObject([{ code: "ERR_STORE_UNAVAILABLE" }]);
  });

  it("when its user is kicked: the kick is answered 503, the user is logged out all the same, and the repetition finishes it", async () => {
    const { site, alice } = await siteWithAlice();
    const kick = () =>
      new Browser(site.url).post(`/api/applications/${site.appId}/kick-active-users`, { userIds: ["alice"] }, ADMIN);
    store.silent.add("set");
    expect((await kick()).status).toBe(503);
    store.silent.clear();
    expect((await kick()).body).toMatchObject({ code: 200 });
    expect(await site.user(alice)).toBeNull();
    expect([...store.rows.values()].join()).not.toContain("alice");
  });

  it("when its user logs out: the user gets an error, and is logged out all the same", async () => {
    const { site, alice } = await siteWithAlice();
    store.silent.add("destroy");
    const { status } = await alice.clone().post("/login/profile/logout", {}, { "Sec-Fetch-Site": "same-origin" });
    expect(status).toBe(503);
    store.silent.clear();
    expect(await site.user(alice)).toBeNull();
    expect((await site.auth.listLogins("alice")).items).toEqual([]);
  });
});
