import { promisify } from "node:util";
import { ApolloServer } from "@apollo/server";
import { expressMiddleware } from "@as-integrations/express5";
import { afterEach, describe, expect, it } from "@jest/globals";
import cors from "cors";
import express, { type Request } from "express";
import type { Device } from "../support/device.js";
import { reportTried, useShops } from "../support/field.js";
import { expectJourney, expectRejection, kick } from "../support/journey.js";
import type { Parts } from "../support/shop.js";

interface Context {
  readonly req: Request;
}
type Done = (error?: unknown) => void;

const typeDefs = `#graphql
  type Query {
    me: String
  }
  type Mutation {
    logIn(user: String!): String
  }
`;

const resolvers = {
  Query: { me: (_root: unknown, _args: unknown, { req }: Context) => req.session.userId },
  Mutation: {
    logIn: async (_root: unknown, { user }: { user: string }, { req }: Context) => {
      await promisify((done: Done) => req.session.regenerate(done))();
      req.session.userId = user;
      await promisify((done: Done) => req.session.save(done))();
      return user;
    },
  },
};

const logIn = (device: Device, user: string) =>
  device.send("/graphql", { query: "mutation LogIn($user: String!) { logIn(user: $user) }", variables: { user } });
const me = (device: Device) => device.send("/graphql", { query: "{ me }" });

reportTried("framework", ["@apollo/server", "@as-integrations/express5", "graphql"]);

describe("Apollo Server on Express 5, with a mutation that logs in", () => {
  const openShop = useShops();
  const servers: ApolloServer<Context>[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  async function withGraphql(login: (req: Request) => boolean): Promise<Parts> {
    const server = new ApolloServer<Context>({ typeDefs, resolvers, stopOnTerminationSignals: false });
    await server.start();
    servers.push(server);
    const context = ({ req }: { req: Request }): Promise<Context> => Promise.resolve({ req });
    return {
      auth: { routes: { login } },
      routes: (app) => app.use("/graphql", cors(), express.json(), expressMiddleware(server, { context })),
    };
  }

  it("the journey, with all of /graphql as a login route", async () => {
    const shop = await openShop(await withGraphql(({ path }) => path === "/graphql"));
    await expectJourney({ ...shop, logIn });
  });

  it("a query of a kicked user gets the reason if only the mutation logs in", async () => {
    const isLogin = (req: Request): boolean =>
      req.path === "/graphql" &&
      String((req.body as { query?: string } | undefined)?.query).startsWith("mutation LogIn");
    const shop = await openShop(await withGraphql(isLogin));
    const alice = await shop.device("alice");
    expect((await me(alice)).body).toEqual({ data: { me: "alice" } });
    await kick(shop.url, ["alice"]);
    const answer = await me(alice);
    expect([answer.status, answer.type]).toEqual([401, expect.stringMatching(/json/)]);
    expect(answer.text).toContain("An administrator has forced you offline.");

    await logIn(alice, "alice");
    await kick(shop.url, ["alice"]);
    expect((await logIn(alice, "alice")).body).toEqual({ data: { logIn: "alice" } });
    expect((await me(alice)).body).toEqual({ data: { me: "alice" } });
    await kick(shop.url, ["alice"]);
    expectRejection(await alice.page("/me"));
  });
});
