import { describe, expect, it } from "@jest/globals";
import bodyParser2 from "body-parser";
import bodyParser1 from "body-parser1";
import mongoSanitize from "express-mongo-sanitize";
import hpp from "hpp";
import { elementsOf } from "../support/pages.js";
import type { Device } from "./support/device.js";
import { isExpress4, reportTried, useShops, type OpenShop } from "./support/field.js";
import { expectJourney, expectRejection, greeted, kick, online } from "./support/journey.js";
import type { Parts } from "./support/shop.js";

const CONSOLE = "/console/applications/shop/login-management";

const withBodyParser = (bodyParser: typeof bodyParser2): Parts => ({
  parsers: (app) => app.use(bodyParser.urlencoded({ extended: false }), bodyParser.json()),
});

/** express-mongo-sanitize assigns `req.query`, which Express 5 does not allow. */
const ONLY_EXPRESS_4: Readonly<Record<string, Parts>> = {
  "express-mongo-sanitize": {
    parsers: (app) => app.use(bodyParser1.urlencoded({ extended: true }), bodyParser1.json(), mongoSanitize()),
  },
};

const PARSERS: Readonly<Record<string, Parts>> = {
  "body-parser": withBodyParser(bodyParser2),
  "body-parser1": withBodyParser(bodyParser1),
  hpp: { parsers: (app) => app.use(bodyParser2.urlencoded({ extended: true }), bodyParser2.json(), hpp()) },
  ...(isExpress4() ? ONLY_EXPRESS_4 : {}),
};

reportTried("middleware", Object.keys(PARSERS));

describe.each(Object.entries(PARSERS))("%s, mounted before the middleware", (_name, parts) => {
  const openShop = useShops();
  const redirectUris = ["https://shop.example/bye?from=1&from=2"];
  const console = { authorize: () => true };

  /** The users that are online after an administrator has checked two of them and confirmed. */
  async function forceOffline(shop: OpenShop, device: Device): Promise<number> {
    const confirmation = await device.page(`${CONSOLE}/force-offline?user=alice&user=bob`);
    expect([confirmation.text.includes("alice"), confirmation.text.includes("bob")]).toEqual([true, true]);
    const inputs = elementsOf(confirmation.text, "input").map(({ attributes }) => attributes);
    const fields = inputs.map(({ name = "", value = "" }) => [name, value]).filter(([name]) => name !== "");
    const { status } = await device.form(`${CONSOLE}/force-offline`, new URLSearchParams(fields).toString());
    expect(status).toBe(303);
    const left = await Promise.all(["alice", "bob"].map((user) => shop.auth.listLogins(user)));
    return left.reduce((sum, { total }) => sum + total, 0);
  }

  it("the journey", async () => {
    await expectJourney(await openShop(parts));
  });

  it("kicks exactly the confirmed users, from a repeated field", async () => {
    const shop = await openShop({ ...parts, auth: { console } });
    await Promise.all(["alice", "bob", "carol"].map((user) => shop.device(user)));
    expect(await forceOffline(shop, await shop.device("root"))).toBe(0);
    expect((await shop.auth.listLogins("carol")).total).toBe(1);
  });

  it("kicks several users by one call, and no user by an id that looks like an operator", async () => {
    const shop = await openShop(parts);
    const [alice, bob] = await Promise.all(["alice", "bob"].map((user) => shop.device(user)));
    await kick(shop.url, ["$ne", "a.b"]);
    expect(await online(shop.url)).toEqual({ alice: 1, bob: 1 });
    await kick(shop.url, ["alice", "bob"]);
    for (const device of [alice, bob]) if (device !== undefined) expectRejection(await device.page("/me"));
  });

  it("a logout redirects to the requested address, unchanged", async () => {
    const shop = await openShop({ ...parts, auth: { redirects: { allow: redirectUris } } });
    const alice = await shop.device("alice");
    const [uri = ""] = redirectUris;
    const { status, headers } = await alice.page(`/login/profile/logout?redirect_uri=${encodeURIComponent(uri)}`);
    expect([status, headers["location"]]).toEqual([302, uri]);
    expect(greeted(await alice.page("/me"))).toBeUndefined();
  });

  it("a form of the personal center ends the other device", async () => {
    const shop = await openShop(parts);
    const [phone, laptop] = [await shop.device("alice"), await shop.device("alice")];
    expect((await phone.form("/u/end-others")).status).toBe(303);
    expect((await laptop.page("/me")).status).toBe(401);
    expect(greeted(await phone.page("/me"))).toBe("alice");
  });
});
