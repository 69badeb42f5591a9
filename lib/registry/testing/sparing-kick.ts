import { isTrue, same } from "./assertions.js";
import { ALL, idsOf, newKick, newLogin } from "./context.js";
import { sparingKickOfEveryoneTests } from "./sparing-everyone.js";
import type { Suite } from "./suite.js";

export function sparingKickTests(suite: Suite): void {
  sparingKickOfUserTests(suite);
  sparingKickOfEveryoneTests(suite);
}

function sparingKickOfUserTests({ describe, test }: Suite): void {
  describe("a kick that spares one login", () => {
    test("ends all others, including one that is changing its session id", async (context) => {
      const { registry, begin, kick, online, everyone } = context;
      const here = newLogin("alice", { ip: "203.0.113.9", userAgent: "here" });
      const [phone, hidden] = [newLogin("alice"), newLogin("alice")];
      for (const each of [here, phone, hidden]) await begin(each);
      await registry.update("alice", hidden.id, { removeSid: hidden.sid });
      const before = await registry.find("alice", here.id);
      same(idsOf(await kick("alice", { except: [here.id] })).sort(), [phone.id, hidden.id].sort());
      same(await registry.update("alice", hidden.id, { addSid: "new" }), false);
      same(await registry.list("alice", ALL), { items: [before], total: 1 });
      same(await online(), [1, "alice"]);
      same(await everyone(), ["alice"]);
    });

    test("is the reason for every login but the spared one", async ({ registry, begin, kick }) => {
      const [here, phone] = [newLogin("alice"), newLogin("alice")];
      const generation = await begin(here);
      await begin(phone);
      const record = newKick({ reason: "elsewhere" });
      await kick("alice", { kick: record, except: [here.id] });
      same(await registry.kickOf("alice", phone.id, generation), record);
      same(await registry.kickOf("alice", here.id, generation), undefined);
    });

    test("lets only the spared login be resumed", async ({ begin, adopt, endLogin, kick, idsOf: listed }) => {
      const [here, phone] = [newLogin("alice"), newLogin("alice")];
      const generation = await begin(here);
      await begin(phone);
      const ended = await endLogin(phone);
      await kick("alice", { except: [here.id] });
      same(await adopt(phone, { generation, endCount: ended.endCount }), undefined);
      same(await adopt(newLogin("alice")), undefined);
      const { endCount } = await endLogin(here);
      const resumed = await adopt({ ...here, sid: "new" }, { generation, endCount });
      isTrue(resumed !== undefined, "the spared login is refused");
      same(await listed("alice"), [here.id]);
    });

    test("spares several logins", async ({ registry, begin, adopt, endLogin, kick, idsOf: listed }) => {
      const logins = [newLogin("alice"), newLogin("alice"), newLogin("alice")] as const;
      const [here, tablet, phone] = logins;
      const generations = [await begin(here), await begin(tablet), await begin(phone)];
      const record = newKick();
      same(idsOf(await kick("alice", { kick: record, except: [here.id, tablet.id, here.id] })), [phone.id]);
      same(await listed("alice"), [here.id, tablet.id].sort());
      for (const [index, login] of logins.entries()) {
        const generation = generations[index] ?? "";
        const isSpared = login !== phone;
        same(await registry.kickOf("alice", login.id, generation), isSpared ? undefined : record);
        const { endCount } = await endLogin(login);
        same((await adopt(login, { generation, endCount })) !== undefined, isSpared);
      }
    });

    test("spares no login if that one is not listed or belongs to another user", async (context) => {
      const { registry, begin, adopt, endLogin, kick, idsOf: listed } = context;
      const [gone, phone, bob] = [newLogin("alice"), newLogin("alice"), newLogin("bob")];
      const generation = await begin(gone);
      for (const each of [phone, bob]) await begin(each);
      const { endCount } = await endLogin(gone);
      const record = newKick();
      await kick("alice", { kick: record, except: [gone.id] });
      same(await adopt(gone, { generation, endCount }), undefined);
      same(await registry.kickOf("alice", gone.id, generation), record);
      await begin(newLogin("alice"));
      await kick("alice", { except: [bob.id] });
      same(await listed("alice"), []);
      same(await listed("bob"), [bob.id]);
    });

    test("does not spare it from another kick", async ({ registry, begin, adopt, endLogin, kick }) => {
      const here = newLogin("alice");
      const generation = await begin(here);
      await kick("alice", { except: [here.id] });
      const { endCount } = await endLogin(here);
      const record = newKick();
      await kick("alice", { kick: record });
      same(await adopt(here, { generation, endCount }), undefined);
      same(await registry.kickOf("alice", here.id, generation), record);
    });
  });
}
