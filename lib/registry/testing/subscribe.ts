import { eventually, same } from "./assertions.js";
import { addAll, newKick, newLogin, until } from "./context.js";
import type { Suite } from "./suite.js";

export function subscriptionTests(suite: Suite): void {
  contents(suite);
  delivery(suite);
}

function contents({ describe, test }: Suite): void {
  describe("a subscription", () => {
    test("notifies of a kick: user, logins and kick record", async (context) => {
      const { recorder } = await context.listen();
      const [phone, desk] = [newLogin("alice"), newLogin("alice")];
      for (const each of [phone, desk]) await context.begin(each);
      const kick = newKick({ reason: 'Ünïcode "quoted"' });
      await context.kick("alice", { kick });
      await until(() => recorder.notifications.length > 0, "the kick is not notified");
      const [{ loginIds, ...notified } = { loginIds: [] }] = recorder.notifications;
      same([...loginIds].sort(), [phone.id, desk.id].sort());
      same(notified, { userId: "alice", kick });
    });

    test("does not notify of a login that a kick has spared", async (context) => {
      const { recorder } = await context.listen();
      const [here, phone] = [newLogin("alice"), newLogin("alice")];
      for (const each of [here, phone]) await context.begin(each);
      const kick = newKick();
      await context.kick("alice", { kick, except: [here.id] });
      await until(() => recorder.notifications.length > 0, "the kick is not notified");
      same(recorder.notifications, [{ userId: "alice", loginIds: [phone.id], kick }]);
    });

    test("notifies of a kicked login and of one that is logged out", async (context) => {
      const { recorder } = await context.listen();
      const userId = "a {b}\ud800";
      const [phone, desk] = [newLogin(userId), newLogin(userId)];
      for (const each of [phone, desk]) await context.begin(each);
      const kick = newKick({ reason: "lost", cause: "lifetime" });
      await context.endLogin(phone, { kick });
      await context.endLogin(desk);
      await until(() => recorder.notifications.length > 1, "an end is not notified");
      same(recorder.notifications, [
        { userId, loginIds: [phone.id], kick },
        { userId, loginIds: [desk.id] },
      ]);
    });

    test("does not notify of an end whose condition is not met", async (context) => {
      const { recorder } = await context.listen();
      const alice = newLogin("alice");
      await context.begin(alice);
      await context.registry.update("alice", alice.id, { addSid: "second" });
      await context.endLogin(alice, { ifSid: "another" });
      await context.endLogin(alice, { ifLastSid: alice.sid });
      await context.endLogin({ userId: "alice", id: "unknown" }, { ifListed: true, kick: newKick() });
      await context.endLogin(alice, { ifLastSid: "second" });
      await until(() => recorder.notifications.length > 0, "the end is not notified");
      same(recorder.notifications, [{ userId: "alice", loginIds: [alice.id] }]);
    });
  });
}

function delivery({ describe, test }: Suite): void {
  describe("a subscription", () => {
    test("notifies once of a repeated kick, and not of users without logins", async (context) => {
      const { recorder } = await context.listen();
      const alice = newLogin("alice");
      await context.begin(alice);
      await context.kick("offline");
      await context.endLogin({ userId: "alice", id: "unknown" });
      await context.kick("alice");
      await context.kick("alice");
      const [again, bob] = [newLogin("alice"), newLogin("bob")];
      for (const each of [again, bob]) {
        await context.begin(each);
        await context.endLogin(each);
      }
      // Notifications of two users may arrive in any order.
      await eventually(() => recorder.loginIds, [alice.id, again.id, bob.id].sort());
      same(recorder.notifications.map(({ userId }) => userId).sort(), ["alice", "alice", "bob"]);
    });

    test("notifies of very many logins, each login once", async (context) => {
      const { recorder } = await context.listen();
      const logins = Array.from({ length: 2_100 }, () => newLogin("alice"));
      await addAll(context.registry, logins);
      await context.kick("alice");
      await until(() => recorder.loginIds.length >= logins.length, "some logins are not notified");
      same(recorder.loginIds, logins.map(({ id }) => id).sort());
    });

    test("reports a gap when everyone is removed", async (context) => {
      const { recorder } = await context.listen();
      const { gaps } = recorder;
      await context.registry.clear();
      await until(() => recorder.gaps > gaps, "clear() reports no gap");
      same(recorder.isConnected, true);
    });

    test("notifies each of several listeners, and none after it is closed", async (context) => {
      const { recorder: stays } = await context.listen();
      const { recorder: leaves, subscription } = await context.listen();
      const [alice, bob] = [newLogin("alice"), newLogin("bob")];
      for (const each of [alice, bob]) await context.begin(each);
      await context.kick("alice");
      for (const { notifications } of [stays, leaves]) {
        await until(() => notifications.length === 1, "a listener is not notified");
      }
      await subscription.close();
      await context.kick("bob");
      await until(() => stays.notifications.length === 2, "a listener is not notified");
      same(leaves.loginIds, [alice.id]);
    });

    test("notifies of ends in another process", async (context) => {
      const { recorder } = await context.listen();
      const other = await context.another();
      const alice = newLogin("alice");
      await context.begin(alice);
      await other.end("alice", { kick: newKick() });
      await eventually(() => recorder.loginIds, [alice.id]);
    });
  });
}
