import "reflect-metadata";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "@jest/globals";
import { Body, Controller, Get, Header, Module, Post, Req, Res, type NestApplicationOptions } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import type { NestExpressApplication } from "@nestjs/platform-express";
import type { Request, Response } from "express";
import session, { MemoryStore } from "express-session";
import { logout, type LogoutOptions } from "express-logout";
import { createClient } from "redis";
import { RedisLoginRegistry } from "../../../lib/registry/redis/index.js";
import { eventually, startRedis } from "../../support/redis-server.js";
import { Device } from "../support/device.js";
import { reportTried } from "../support/field.js";
import { expectJourney, expectRejection, kick } from "../support/journey.js";
import { addSlowRoute, APP_ID, greet, POOL_ID, TOKEN } from "../support/shop.js";

type Done = (error?: unknown) => void;

class ShopController {
  me(req: Request): string {
    return greet(req.session.userId);
  }

  async logIn(req: Request, res: Response, { user }: { user: string }): Promise<void> {
    await promisify((done: Done) => req.session.regenerate(done))();
    req.session.userId = user;
    await promisify((done: Done) => req.session.save(done))();
    res.redirect(303, "/api/me");
  }
}

// A module of Nest is a class, and all about it is in its decorator.
// eslint-disable-next-line @typescript-eslint/no-extraneous-class
class ShopModule {}

/** What `@Controller()`, `@Get("me")` and so on compile to: Nest's decorators are of TypeScript's older kind. */
function decorate(): void {
  const on = (name: "me" | "logIn", ...decorators: MethodDecorator[]): void => {
    const method = Object.getOwnPropertyDescriptor(ShopController.prototype, name);
    if (method === undefined) return;
    for (const each of decorators) each(ShopController.prototype, name, method);
  };
  on("me", Get("me"), Header("Content-Type", "text/html"));
  Req()(ShopController.prototype, "me", 0);
  on("logIn", Post("login"));
  [Req(), Res(), Body()].forEach((each, index) => each(ShopController.prototype, "logIn", index));
  Controller()(ShopController);
  Module({ controllers: [ShopController] })(ShopModule);
}
decorate();

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- options of Nest are plain objects
const OPTIONS: NestApplicationOptions = { logger: false, abortOnError: false };
const NEST = "@nestjs/platform-express";
reportTried("framework", ["@nestjs/core", NEST]);

describe("NestJS, with a global prefix that is also that of the admin API", () => {
  const ending: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ending.splice(0).reverse()) await end();
  });

  async function start(options: Partial<LogoutOptions> = {}): Promise<string> {
    const store = options.store ?? new MemoryStore();
    const auth = logout({
      store,
      appId: APP_ID,
      userPoolId: POOL_ID,
      admin: { tokens: [TOKEN] },
      loginUrl: "/api/login",
      ...options,
    });
    const app = await NestFactory.create<NestExpressApplication>(ShopModule, OPTIONS);
    app.setGlobalPrefix("api");
    app.use(session({ store, secret: "a secret of the tests", resave: false, saveUninitialized: false }));
    app.use(auth);
    addSlowRoute(app.getHttpAdapter().getInstance());
    await app.listen(0, "127.0.0.1");
    ending.push(async () => {
      await app.close();
      await auth.close();
    });
    return `http://127.0.0.1:${String((app.getHttpServer().address() as AddressInfo).port)}`;
  }

  const logIn = (device: Device, user: string) => device.form("/api/login", { user });

  it("the journey", async () => {
    await expectJourney({ url: await start(), logIn, home: "/api/me" });
  });

  it("answers 503, and not 500, while the registry is away", async () => {
    const redis = await startRedis();
    ending.push(() => redis.stop());
    const client = createClient({ url: redis.url, disableOfflineQueue: true });
    client.on("error", () => undefined);
    await client.connect();
    ending.push(() => {
      client.destroy();
    });
    const url = await start({ registry: new RedisLoginRegistry({ client }) });
    const alice = new Device(url);
    expect((await logIn(alice, "alice")).status).toBe(303);
    await redis.kill();
    expect((await alice.page("/api/me")).status).toBe(503);
    expect((await alice.data("/api/me")).body).toMatchObject({ statusCode: 503 });
    await redis.restart();
    await eventually(() => kick(url, ["alice"]));
    expectRejection(await alice.page("/api/me"));
  });
});
