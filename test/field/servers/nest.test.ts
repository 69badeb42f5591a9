import "reflect-metadata";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "@jest/globals";
import {
  Body,
  Controller,
  Get,
  Header,
  Module,
  Post,
  Req,
  Res,
  type NestApplicationOptions,
  type Type,
} from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import type { NestExpressApplication } from "@nestjs/platform-express";
import type { Request, Response } from "express";
import session, { MemoryStore } from "express-session";
import { logout, LogoutError, type LogoutMiddleware, type LogoutOptions } from "express-logout";
import { createClient } from "redis";
import { RedisLoginRegistry } from "../../../lib/registry/redis/index.js";
import { AUTH, authModule, LogoutErrorFilter } from "../../recipes/nest.js";
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
// eslint-disable-next-line @typescript-eslint/no-extraneous-class
class OutageModule {}

/** A controller whose handler fails with an error of the package. */
class OutageController {
  outage(): never {
    throw new LogoutError("ERR_REGISTRY_UNAVAILABLE", "The login registry is unavailable.");
  }

  misuse(): never {
    throw new LogoutError("ERR_ARGUMENT_INVALID", "An id is 4711.");
  }
}

/** The compiled form of `@Controller()`, `@Get("me")` and so on: Nest uses TypeScript's older decorators. */
function decorate(): void {
  const on = (target: object, name: string, ...decorators: MethodDecorator[]): void => {
    const method = Object.getOwnPropertyDescriptor(target, name);
    if (method === undefined) return;
    for (const each of decorators) each(target, name, method);
  };
  on(ShopController.prototype, "me", Get("me"), Header("Content-Type", "text/html"));
  Req()(ShopController.prototype, "me", 0);
  on(ShopController.prototype, "logIn", Post("login"));
  on(OutageController.prototype, "outage", Get("outage"));
  on(OutageController.prototype, "misuse", Get("misuse"));
  Controller()(OutageController);
  Module({ controllers: [OutageController] })(OutageModule);
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

  /** @param recipe - the parts that the guide adds, for the `logout()` of the app */
  async function start(
    options: Partial<LogoutOptions> = {},
    recipe: (auth: LogoutMiddleware) => { module: Type; filter?: LogoutErrorFilter } = () => ({ module: ShopModule }),
  ): Promise<string> {
    const store = options.store ?? new MemoryStore();
    const auth = logout({
      store,
      appId: APP_ID,
      admin: { userPoolId: POOL_ID, tokens: [TOKEN] },
      redirects: { login: "/api/login" },
      ...options,
    });
    const { module, filter } = recipe(auth);
    const app = await NestFactory.create<NestExpressApplication>(module, OPTIONS);
    if (filter !== undefined) app.useGlobalFilters(filter);
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

  describe("with the filter and the module of the guide", () => {
    /** Counts how often the app has closed the controls, and keeps what Nest injects. */
    function guide() {
      const seen: { closed: number; injected: unknown; auth?: LogoutMiddleware } = { closed: 0, injected: undefined };
      const recipe = (auth: LogoutMiddleware) => {
        seen.auth = auth;
        // eslint-disable-next-line @typescript-eslint/no-extraneous-class
        class RootModule {}
        const counted = Object.assign(Object.create(auth) as LogoutMiddleware, {
          close: async () => {
            seen.closed++;
            await auth.close();
          },
        });
        const probe = { provide: "probe", inject: [AUTH], useFactory: (value: unknown) => (seen.injected = value) };
        Module({ imports: [ShopModule, OutageModule, authModule(counted)], providers: [probe] })(RootModule);
        return { module: RootModule, filter: new LogoutErrorFilter() };
      };
      return { seen, recipe };
    }

    it("an outage in a controller is a 503 with Retry-After, and a misuse a 500 without its message", async () => {
      const url = await start({}, guide().recipe);
      const outage = await fetch(`${url}/api/outage`);
      expect([outage.status, outage.headers.get("Retry-After")]).toEqual([503, "5"]);
      expect(await outage.json()).toEqual({ statusCode: 503, message: "The login registry is unavailable." });
      const misuse = await fetch(`${url}/api/misuse`);
      expect([misuse.status, await misuse.json()]).toEqual([
        500,
        { statusCode: 500, message: "Internal server error" },
      ]);
    });

    it("an outage in the middleware is the same, and the journey continues as before", async () => {
      const redis = await startRedis();
      ending.push(() => redis.stop());
      const client = createClient({ url: redis.url, disableOfflineQueue: true });
      client.on("error", () => undefined);
      await client.connect();
      ending.push(() => {
        client.destroy();
      });
      const url = await start({ registry: new RedisLoginRegistry({ client }) }, guide().recipe);
      await expectJourney({ url, logIn, home: "/api/me" });
      const alice = new Device(url);
      await logIn(alice, "alice");
      await redis.kill();
      const { status, body, headers } = await alice.data("/api/me");
      expect([status, body]).toEqual([503, expect.objectContaining({ statusCode: 503 })]);
      expect(headers).toMatchObject({ "retry-after": "5" });
    });

    it("the module provides the controls, and closes them with the app", async () => {
      const { seen, recipe } = guide();
      await start({}, recipe);
      expect(Object.getPrototypeOf(seen.injected)).toBe(seen.auth);
      for (const end of ending.splice(0).reverse()) await end();
      expect(seen.closed).toBe(1);
    });
  });
});
