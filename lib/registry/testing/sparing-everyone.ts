import { isTrue, same } from "./assertions.js";
import { idsOf, newKick, newLogin, type RegistryContext } from "./context.js";
import type { Suite } from "./suite.js";
import type { KickRecord } from "../../types/login.js";

/** Kicks everyone but these logins. */
async function kickAll(
  { registry, kick, everyone }: RegistryContext,
  except: readonly string[],
  record = newKick(),
): Promise<KickRecord> {
  await registry.kickEveryone(record);
  for (const userId of await everyone()) await kick(userId, { kick: record, except, everyone: true });
  return record;
}

export function sparingKickOfEveryoneTests({ describe, test }: Suite): void {
  describe("a kick of everyone that spares logins", () => {
    test("lets only these be resumed, and is the reason for all others", async (context) => {
      const { registry, begin, adopt, endLogin, idsOf: listed } = context;
      const [here, phone, bob] = [newLogin("alice"), newLogin("alice"), newLogin("bob")];
      const generation = await begin(here);
      for (const each of [phone, bob]) await begin(each);
      const record = await kickAll(context, [here.id]);
      same(await listed("alice"), [here.id]);
      same(await listed("bob"), []);
      same(await registry.kickOf("alice", here.id, generation), undefined);
      for (const { userId, id } of [phone, bob]) same(await registry.kickOf(userId, id, generation), record);
      for (const each of [phone, bob]) same(await adopt(each, { generation, endCount: 0 }), undefined);
      for (const userId of ["alice", "bob"]) same(await adopt(newLogin(userId)), undefined);
      isTrue(
        (await adopt(here, { generation, endCount: 0 })) !== undefined,
        "the spared login, which is listed, is refused",
      );
      const { endCount } = await endLogin(here);
      const resumed = await adopt({ ...here, sid: "new" }, { generation, endCount });
      isTrue(resumed !== undefined, "the spared login is refused");
      same(await listed("alice"), [here.id]);
    });

    test("spares a login only from when it has reached its user", async (context) => {
      const { registry, begin, adopt, endLogin } = context;
      const [here, there] = [newLogin("alice"), newLogin("bob")];
      const generation = await begin(here);
      await begin(there);
      const record = newKick();
      await registry.kickEveryone(record);
      same(await registry.kickOf("alice", here.id, generation), record);
      // A kick of the user alone spares from no kick of everyone.
      await context.kick("bob", { except: [there.id] });
      for (const login of [here, there]) {
        const { endCount } = await endLogin(login);
        same(await adopt(login, { generation, endCount }), undefined);
      }
    });

    laterEndTests(test);
    repeatedKickTests(test);
  });
}

function laterEndTests(test: Suite["test"]): void {
  test("brings no login back that an earlier kick of everyone has ended", async (context) => {
    const { begin, adopt, endLogin } = context;
    const [listed, rotating] = [newLogin("alice"), newLogin("bob")];
    const generation = await begin(listed);
    await begin(rotating);
    const { endCount } = await endLogin(rotating);
    await kickAll(context, []);
    await kickAll(context, [listed.id, rotating.id]);
    same(await adopt(listed, { generation, endCount: 0 }), undefined);
    same(await adopt(rotating, { generation, endCount }), undefined);
  });

  test("brings no login back that it has spared before, and another one has not", async (context) => {
    const { begin, adopt, endLogin } = context;
    const here = newLogin("alice");
    const generation = await begin(here);
    await kickAll(context, [here.id]);
    // No kick of everyone finds the user while no login is listed.
    const { endCount } = await endLogin(here);
    await kickAll(context, []);
    await kickAll(context, [here.id]);
    same(await adopt(here, { generation, endCount }), undefined);
  });

  test("does not spare them from the next one", async (context) => {
    const { registry, begin, adopt, endLogin } = context;
    const [listed, rotating] = [newLogin("alice"), newLogin("bob")];
    const generation = await begin(listed);
    await begin(rotating);
    await kickAll(context, [listed.id, rotating.id]);
    const { endCount } = await endLogin(rotating);
    const record = await kickAll(context, []);
    same(await registry.find("alice", listed.id), undefined);
    for (const login of [listed, rotating]) same(await registry.kickOf(login.userId, login.id, generation), record);
    same(await adopt(listed, { generation, endCount: 0 }), undefined);
    same(await adopt(rotating, { generation, endCount }), undefined);
  });

  test("does not spare them from an end of their own", async (context) => {
    const { registry, begin, adopt, endLogin } = context;
    const here = newLogin("alice");
    const generation = await begin(here);
    await kickAll(context, [here.id]);
    const record = newKick();
    await endLogin(here, { kick: record });
    same(await registry.kickOf("alice", here.id, generation), record);
    same(await adopt(here, { generation, endCount: 0 }), undefined);
  });

  test("does not spare them from the removal of all logins", async (context) => {
    const { registry, begin, adopt, endLogin } = context;
    const here = newLogin("alice");
    const generation = await begin(here);
    await kickAll(context, [here.id]);
    const { endCount } = await endLogin(here);
    await registry.clear();
    same(await adopt(here, { generation, endCount }), undefined);
  });
}

function repeatedKickTests(test: Suite["test"]): void {
  test("spares them although a kick of their user, which spares them too, follows", async (context) => {
    const { registry, begin, adopt, endLogin, kick } = context;
    const [here, there] = [newLogin("alice"), newLogin("alice")];
    const generation = await begin(here);
    await begin(there);
    await kickAll(context, [here.id, there.id]);
    await kick("alice", { except: [there.id] });
    const record = newKick();
    same(idsOf(await kick("alice", { kick: record, except: [here.id, there.id] })), [here.id]);
    same(await registry.kickOf("alice", there.id, generation), undefined);
    same(await registry.kickOf("alice", here.id, generation), record);
    for (const login of [here, there]) {
      const { endCount } = await endLogin(login);
      same((await adopt(login, { generation, endCount })) !== undefined, login === there);
    }
  });

  test("spares them from several, in whichever order these reach the user", async (context) => {
    const { registry, begin, adopt, endLogin, kick } = context;
    const here = newLogin("alice");
    const generation = await begin(here);
    const records = [newKick(), newKick(), newKick()] as const;
    for (const record of records) await registry.kickEveryone(record);
    for (const record of [records[2], records[0], records[2], records[1]]) {
      await kick("alice", { kick: record, except: [here.id], everyone: true });
    }
    same(await registry.kickOf("alice", here.id, generation), undefined);
    const { endCount } = await endLogin(here);
    isTrue((await adopt(here, { generation, endCount })) !== undefined, "the spared login is refused");
  });
}
