import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "@jest/globals";
import compression from "compression";
import cors from "cors";
import { rateLimit } from "express-rate-limit";
import helmet from "helmet";
import request from "supertest";
import { reportTried, useShops } from "./support/field.js";
import { expectJourney, expectRejection, kick } from "./support/journey.js";
import type { Parts } from "./support/shop.js";

const FRONT = "https://front.example";

const limiter = (limit: number): Parts["first"] => {
  const limits = { windowMs: 15 * 60 * 1000, limit, standardHeaders: "draft-7", legacyHeaders: true } as const;
  return (app) => app.use(rateLimit(limits));
};

const PACKAGES: Readonly<Record<string, Parts>> = {
  helmet: { first: (app) => app.use(helmet()) },
  compression: { first: (app) => app.use(compression()) },
  cors: { first: (app) => app.use(cors({ origin: FRONT, credentials: true })) },
  "express-rate-limit": { first: limiter(100) },
};

reportTried("middleware", Object.keys(PACKAGES));

describe("in front of everything", () => {
  const openShop = useShops();

  it.each(Object.keys(PACKAGES))("%s: the journey", async (name) => {
    await expectJourney(await openShop(PACKAGES[name]));
  });

  it("helmet: every page of the package keeps a Content-Security-Policy and nosniff", async () => {
    const { device } = await openShop(PACKAGES["helmet"]);
    const alice = await device("alice");
    for (const path of ["/u", "/me"]) {
      const { headers } = await alice.page(path);
      expect(headers["content-security-policy"]).toContain("default-src");
      expect(headers["x-content-type-options"]).toBe("nosniff");
    }
  });

  it("helmet: the app's own form logs out, though its referrer policy makes the origin null on plain http", async () => {
    const { device, auth } = await openShop(PACKAGES["helmet"]);
    const alice = await device("alice");
    const withoutMetadata = { "Sec-Fetch-Site": undefined, "Sec-Fetch-Mode": undefined, "Sec-Fetch-Dest": undefined };
    const { status } = await alice.form("/login/profile/logout", {}, { ...withoutMetadata, Origin: "null" });
    expect([status, (await auth.listLogins("alice")).total]).toEqual([303, 0]);
  });

  it("compression: the personal center and a rejection are delivered whole, and compressed", async () => {
    const { url, device } = await openShop(PACKAGES["compression"]);
    const alice = await device("alice");
    const raw = async (path: string) => {
      const answer = await request(url)
        .get(path)
        .set({ Cookie: alice.cookies, Accept: "text/html", "Accept-Encoding": "gzip" })
        .buffer(true)
        .parse((res, done) => {
          const chunks: Buffer[] = [];
          res.on("data", (chunk: Buffer) => chunks.push(chunk));
          res.on("end", () => done(null, Buffer.concat(chunks)));
        });
      return { status: answer.status, encoding: answer.headers["content-encoding"], body: answer.body as Buffer };
    };
    const center = await raw("/u");
    expect([center.status, center.encoding]).toEqual([200, "gzip"]);
    const text = center.body[0] === 0x1f ? gunzipSync(center.body).toString() : center.body.toString();
    expect(text).toMatch(/<\/html>\s*$/);
    await kick(url, ["alice"]);
    expectRejection(await alice.page("/me", { "Accept-Encoding": "gzip" }));
  });

  it("cors: a front end on another origin can read why its call was rejected", async () => {
    const { url, device } = await openShop(PACKAGES["cors"]);
    const alice = await device("alice");
    await kick(url, ["alice"]);
    const answer = await alice.data("/me", { Origin: FRONT, "Sec-Fetch-Site": "cross-site" });
    expect([answer.status, answer.headers["access-control-allow-origin"]]).toEqual([401, FRONT]);
    expect(answer.headers["access-control-allow-credentials"]).toBe("true");
    const preflight = await request(url).options("/me").set({ Origin: FRONT, "Access-Control-Request-Method": "POST" });
    expect(preflight.status).toBe(204);
  });

  it("express-rate-limit: counts rejections and calls of the admin API, and its own answer is sent", async () => {
    const { url, device } = await openShop({ first: limiter(6) });
    const alice = await device("alice"); // the form, the login
    expect((await alice.page("/me")).headers["x-ratelimit-remaining"]).toBe("3");
    await kick(url, ["alice"]);
    const rejection = await alice.page("/me");
    expectRejection(rejection);
    expect(rejection.headers["x-ratelimit-remaining"]).toBe("1");
    await alice.page("/u");
    expect((await alice.page("/u")).status).toBe(429);
  });
});
