import fc from "fast-check";
import { HARMLESS, LIFETIMES, LOGINS, LOGOUTS, ROTATIONS, type Act } from "./acts.js";
import type { Policy } from "./policy.js";
import type { Failure, Midst } from "./schedule.js";

export const USERS = ["alice", "bob"] as const;
const BROWSERS = 3;
const MINUTE_MS = 60_000;

/** The longest life of a session whose cookie does not say it; a cookie that does says an hour. */
export const MAX_SESSION_AGE_MS = 120 * MINUTE_MS;
export const COOKIE_AGE_MS = 60 * MINUTE_MS;

/** A kick that breaks off in the session store, and is repeated, or not. */
interface Breakable {
  readonly breaksOff?: (Failure & { readonly isRepeated: boolean }) | undefined;
}

export type Command =
  /** A browser sends a request with the cookie it has. */
  | { readonly is: "request"; readonly browser: number; readonly node: number; readonly acts: readonly Act[] }
  /** The logout route. */
  | { readonly is: "leave"; readonly browser: number; readonly node: number }
  | ({ readonly is: "kick"; readonly node: number; readonly users: readonly string[] } & Breakable)
  /** One login of a user is kicked: the login at this place of their list. */
  | ({ readonly is: "kick one"; readonly node: number; readonly user: string; readonly place: number } & Breakable)
  /** "Log out everywhere else": all logins of a user except the login at this place of their list. */
  | ({ readonly is: "kick others"; readonly node: number; readonly user: string; readonly place: number } & Breakable)
  | ({ readonly is: "kick everyone"; readonly node: number } & Breakable)
  /** The logins of a user are kicked by a filter: those that are listed. */
  | ({ readonly is: "kick where"; readonly node: number; readonly user: string } & Breakable)
  /** "Log out everyone else": all logins of all users except the login in this browser. */
  | ({ readonly is: "kick everyone else"; readonly node: number; readonly browser: number } & Breakable)
  /**
   * The logins with a key are kicked: of a user, or of the login at this place of all that the user has begun. A signed kick spares
   * those that began after it was signed, and ends those that began earlier, whenever they are saved.
   */
  | ({
      readonly is: "kick by key";
      readonly node: number;
      readonly user: string;
      readonly place: number | undefined;
      /** How many logins have begun since it was signed. Absent: it is not signed. */
      readonly signedAgo?: number | undefined;
    } & Breakable)
  /**
   * A job sets a session without a request: that of a browser, as the store has it, or a copy that a request has kept, the one at
   * this place.
   */
  | {
      readonly is: "job";
      readonly node: number;
      readonly browser: number;
      /** Default: the session as the store has it. */
      readonly copy?: number | undefined;
      /** Whether time may pass between what it reads and what it sets. */
      readonly pauses: boolean;
    }
  /** A page is read: the list of active users, or the logins of a user. */
  | { readonly is: "page"; readonly node: number; readonly of: "everyone" | (typeof USERS)[number] }
  /** A session is deleted in the store, and this package is not asked. */
  | { readonly is: "delete"; readonly browser: number }
  /** On Redis, the reply to a node's next command of this kind is lost, and its client sends the command again. */
  | { readonly is: "lose a reply"; readonly node: number; readonly to: "ADD" | "any script" }
  | { readonly is: "time passes"; readonly ms: number }
  /** A node stops between two awaits, and another one takes its place. */
  | { readonly is: "crash"; readonly node: number }
  /** The same, of whichever node next is in the midst of this, after some steps of it. */
  | { readonly is: "crash"; readonly midst: Midst; readonly steps: number }
  /** All pending work ends. */
  | { readonly is: "rest" };

/** All inputs of a run: the same history always runs the same way. */
export interface History {
  readonly settings: "lazy" | "eager" | "rolling";
  readonly unset: "destroy" | "keep";
  readonly cookie: "an hour" | "the browser's session";
  readonly nodes: number;
  /** Whether an answer waits until its session has been touched. Default: it does. */
  readonly waitForTouch?: boolean;
  /** Whether the package knows the store: it then concludes more from what a read does not find. Default: it does not. */
  readonly store?: "any" | "well known";
  /** One process more, on the same sessions, that runs without the package. Default: none. */
  readonly hasPlainNode?: boolean;
  /** The limit and the lifetime of logins. Default: neither. */
  readonly policy?: Policy | undefined;
  /** Whether logins have external keys. Default: they have none. */
  readonly hasKeys?: boolean;
  /**
   * On Redis, every second node divides the index among so many shards; the others take what is stored when they begin, so that the
   * number grows while some go by the old one. Default: one shard.
   */
  readonly shards?: 3 | 16 | undefined;
  /** Who has a session in which browser when it begins: one that is logged in, one from before the installation, none. */
  readonly browsers: readonly { readonly user: string; readonly has: "a login" | "an old session" | "nothing" }[];
  readonly commands: readonly Command[];
  /** Which of the steps that could be next is: at each place the number modulo how many there are, 0 when they are used up. */
  readonly choices: readonly number[];
}

const user = fc.constantFrom(...USERS);
// Mostly one browser: promises break where requests of one session affect each other.
const browser = fc.constantFrom(0, 0, 0, 0, 1, 2);
const node = fc.nat(3);
// Now and then one changes how long the session lives.
const harmless = fc.constantFrom(...HARMLESS, ...HARMLESS, ...HARMLESS, ...LIFETIMES).map((does): Act => ({ does }));
const logout = fc.constantFrom(...LOGOUTS).map((does): Act => ({ does }));
const change: fc.Arbitrary<Act> = fc.oneof(
  fc.constantFrom(...ROTATIONS).map((does): Act => ({ does })),
  fc.record({ does: fc.constantFrom(...LOGINS), user }),
);
/** Acts of an app after a login. Reading the session again would undo the login. */
const after = harmless.filter(({ does }) => does !== "reload");
const acts: fc.Arbitrary<readonly Act[]> = fc
  .tuple(
    fc.array(harmless, { maxLength: 2 }),
    fc.oneof(
      fc.constant([]),
      logout.map((last) => [last]),
      fc.tuple(change, fc.array(after, { maxLength: 2 })).map(([first, then]) => [first, ...then]),
    ),
  )
  .map(([before, then]) => [...before, ...then]);

const breaksOff = fc.oneof(
  { weight: 3, arbitrary: fc.constant(undefined) },
  {
    weight: 1,
    arbitrary: fc.record({ calls: fc.nat(3), isExecuted: fc.boolean(), isRepeated: fc.boolean() }),
  },
);

const commands: readonly fc.WeightedArbitrary<Command>[] = [
  {
    weight: 16,
    arbitrary: fc.record({ is: fc.constant("request"), browser, node, acts }),
  },
  { weight: 2, arbitrary: fc.record({ is: fc.constant("leave"), browser, node }) },
  {
    weight: 4,
    arbitrary: fc.record({ is: fc.constant("kick"), node, users: fc.uniqueArray(user, { minLength: 1 }), breaksOff }),
  },
  { weight: 2, arbitrary: fc.record({ is: fc.constant("kick one"), node, user, place: fc.nat(1), breaksOff }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant("kick others"), node, user, place: fc.nat(1), breaksOff }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant("kick everyone"), node, breaksOff }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant("kick where"), node, user, breaksOff }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant("kick everyone else"), node, browser, breaksOff }) },
  {
    weight: 3,
    arbitrary: fc.record({
      is: fc.constant("job"),
      node,
      browser,
      copy: fc.option(fc.nat(7), { nil: undefined, freq: 2 }),
      pauses: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ is: fc.constant("page"), node, of: fc.constantFrom("everyone", ...USERS) }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant("delete"), browser }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant("crash"), node }) },
  {
    weight: 1,
    arbitrary: fc.record({
      is: fc.constant("crash"),
      midst: fc.constantFrom("a kick", "an adoption", "a rotation by hand"),
      steps: fc.nat(4),
    }),
  },
  { weight: 4, arbitrary: fc.constant<Command>({ is: "rest" }) },
];
const lostReplies: fc.WeightedArbitrary<Command> = {
  weight: 2,
  arbitrary: fc.record({ is: fc.constant("lose a reply"), node, to: fc.constantFrom("ADD", "any script") }),
};
const timePasses: fc.WeightedArbitrary<Command> = {
  weight: 2,
  arbitrary: fc.record({
    is: fc.constant("time passes"),
    ms: fc.constantFrom(...[1, 20, 50, 61, 121].map((minutes) => minutes * MINUTE_MS)),
  }),
};

/** Combinations that random acts would seldom produce. */
const scenes: fc.Arbitrary<readonly Command[]> = fc.oneof(
  // A process dies in the midst of a step that a kick of everyone looks for.
  fc
    .tuple(
      fc.record({
        is: fc.constant("crash"),
        midst: fc.constantFrom("an adoption", "a rotation by hand"),
        steps: fc.nat(6),
      }),
      fc.record({
        is: fc.constant("request"),
        browser,
        node,
        acts: fc.constantFrom<readonly Act[]>([{ does: "rotate by hand" }], []),
      }),
      fc.record({ is: fc.constant("kick everyone"), node }),
    )
    .map((commands): readonly Command[] => commands),
  // A kick is broken off by a process that dies, and is repeated.
  fc
    .tuple(
      fc.record({ is: fc.constant("crash"), midst: fc.constant("a kick"), steps: fc.nat(6) }),
      fc.record({ is: fc.constant("kick"), node, users: fc.tuple(user) }),
      fc.record({ is: fc.constant("kick everyone"), node }),
    )
    .map((commands): readonly Command[] => commands),
  // A login that a kick of everyone spares changes its session id by hand, while another kick spares none, or before.
  fc
    .tuple(
      fc.record({ is: fc.constant("kick everyone else"), node, browser }),
      fc.record({
        is: fc.constant("request"),
        browser,
        node,
        acts: fc.constantFrom<readonly Act[]>([{ does: "rotate by hand" }], [{ does: "read" }]),
      }),
      fc.constantFrom<Command["is"]>("kick everyone", "rest", "kick everyone else"),
      fc.record({ browser, node }),
    )
    .map(([kick, request, then, where]): readonly Command[] => [
      kick,
      request,
      { ...where, is: then } as Command,
      { ...where, is: "request", acts: [{ does: "rotate by hand" }] },
    ]),
  // A job has a copy from a login.
  fc
    .tuple(
      fc.record({
        is: fc.constant("request"),
        browser,
        node,
        acts: fc.tuple(
          fc.record({ does: fc.constantFrom(...LOGINS), user }),
          fc.constant<Act>({ does: "keep a copy" }),
        ),
      }),
      fc.record({ is: fc.constant("job"), node, browser, copy: fc.nat(1), pauses: fc.boolean() }),
    )
    .map((commands): readonly Command[] => commands),
  // A job is slow with a session from before the installation, whose user logs out.
  fc.tuple(browser, node, node).map(([of, first, second]): readonly Command[] => [
    { is: "job", node: first, browser: of, pauses: true },
    { is: "leave", browser: of, node: second },
  ]),
  // A page shows a user whose session id is being rotated.
  fc
    .tuple(
      fc.record({
        is: fc.constant("request"),
        browser,
        node,
        acts: fc.constantFrom(...ROTATIONS).map((does): readonly Act[] => [{ does }]),
      }),
      fc.record({ is: fc.constant("page"), node, of: fc.constantFrom("everyone", ...USERS) }),
    )
    .map((commands): readonly Command[] => commands),
  // A session ends before its time.
  fc
    .tuple(
      fc.record({ is: fc.constant("request"), browser, node, acts: fc.array(harmless, { maxLength: 2 }) }),
      fc.constant<Command>({ is: "rest" }),
      fc.record({ is: fc.constant("delete"), browser }),
    )
    .map((commands): readonly Command[] => commands),
);
const shorterLives: fc.Arbitrary<readonly Command[]> = fc
  .tuple(
    fc.record({
      is: fc.constant("request"),
      browser,
      node,
      acts: fc.constantFrom(...LIFETIMES).map((does): readonly Act[] => [{ does }]),
    }),
    fc.constant<Command>({ is: "rest" }),
    fc.record({ is: fc.constant("time passes"), ms: fc.constant(20 * MINUTE_MS) }),
  )
  .map((all): readonly Command[] => all);

const has = fc.constantFrom("a login", "an old session", "nothing");

export const histories = historiesOf([...commands, timePasses], has, fc.oneof(scenes, shorterLives));

/** The same, in which clients also lose replies. */
export const redisHistories = historiesOf([...commands, timePasses, lostReplies], has, fc.oneof(scenes, shorterLives));

const policies: fc.Arbitrary<Policy> = fc.oneof(
  fc.record({ max: fc.integer({ min: 1, max: 2 }), whenFull: fc.constantFrom("endLeastActive", "refuseNew") }),
  fc.record({
    absoluteMs: fc.constantFrom(undefined, 30 * MINUTE_MS),
    idleMs: fc.constantFrom(undefined, 15 * MINUTE_MS, 45 * MINUTE_MS),
  }),
  fc.record({ max: fc.constant(2), absoluteMs: fc.constant(30 * MINUTE_MS) }),
);

/** Histories of apps that limit logins, or their lifetime. One user has more of them. */
export const policyHistories = fc
  .tuple(
    historiesOf(
      [...commands, timePasses],
      fc.constantFrom("a login", "an old session"),
      fc.oneof(scenes, shorterLives),
    ),
    policies,
  )
  .map(([history, policy]): History => ({ ...history, policy }));

const kickByKey: fc.Arbitrary<Command> = fc.record({
  is: fc.constant("kick by key"),
  node,
  user,
  place: fc.option(fc.nat(3), { nil: undefined }),
  signedAgo: fc.option(fc.constantFrom(0, 0, 0, 1, 2), { nil: undefined, freq: 2 }),
  breaksOff,
});
const keyScenes: fc.Arbitrary<readonly Command[]> = fc.oneof(
  // A kick by key beside a login, or beside a request that changes the session id of one.
  fc
    .tuple(
      fc.record({
        is: fc.constant("request"),
        browser,
        node,
        acts: fc
          .oneof(
            fc.record({ does: fc.constantFrom(...LOGINS), user }),
            fc.constantFrom(...ROTATIONS).map((does): Act => ({ does })),
          )
          .map((does): readonly Act[] => [does]),
      }),
      kickByKey,
    )
    .map((commands): readonly Command[] => commands),
  // A kick of the user by key while a request has ended the login for a moment, to give it another session id.
  fc
    .record({ browser, user, nodes: fc.tuple(node, node), does: fc.constantFrom(...ROTATIONS) })
    .map(({ browser, user, nodes: [first, second], does }): readonly Command[] => [
      { is: "request", browser, node: first, acts: [{ does }] },
      { is: "kick by key", node: second, user, place: undefined },
    ]),
  // A login beside two kicks of its user, of which the one that was signed first may arrive last.
  fc
    .record({ browser, user, does: fc.constantFrom(...LOGINS), nodes: fc.tuple(node, node, node) })
    .map(({ browser, user, does, nodes: [first, second, third] }): readonly Command[] => [
      { is: "request", browser, node: first, acts: [{ does, user }] },
      { is: "kick by key", node: second, user, place: undefined, signedAgo: 0 },
      { is: "kick by key", node: third, user, place: undefined, signedAgo: 1 },
    ]),
);

/** Histories of apps whose logins have external keys. */
export const keyHistories = historiesOf(
  [...commands, timePasses, { weight: 16, arbitrary: kickByKey }],
  has,
  fc.oneof({ weight: 1, arbitrary: scenes }, { weight: 4, arbitrary: keyScenes }),
).map((history): History => ({ ...history, hasKeys: true }));

/** Histories on Redis whose index is divided, and grows. */
export const shardedHistories = fc
  .tuple(redisHistories, fc.constantFrom<3 | 16>(3, 3, 16))
  .map(([history, shards]): History => ({ ...history, shards }));

/**
 * Histories in which a process without the package is at work as well. No time passes: such a process could bring back a
 * session by a request that lasts longer than the record of a kick is kept.
 */
export const mixedHistories = historiesOf(
  commands,
  fc.constantFrom("a login", "an old session", "an old session", "an old session"),
  scenes,
).map((history): History => ({ ...history, hasPlainNode: true }));

function historiesOf(
  each: readonly fc.WeightedArbitrary<Command>[],
  hasAtFirst: fc.Arbitrary<History["browsers"][number]["has"]>,
  scene: fc.Arbitrary<readonly Command[]>,
): fc.Arbitrary<History> {
  const alone = fc.oneof(...each).map((command): readonly Command[] => [command]);
  return fc.record({
    settings: fc.constantFrom("lazy", "eager", "rolling"),
    unset: fc.constantFrom("destroy", "keep"),
    cookie: fc.constantFrom("an hour", "the browser's session"),
    nodes: fc.integer({ min: 2, max: 4 }),
    waitForTouch: fc.boolean(),
    store: fc.constantFrom("any", "well known"),
    browsers: fc.array(fc.record({ user, has: hasAtFirst }), {
      minLength: BROWSERS,
      maxLength: BROWSERS,
    }),
    commands: fc
      .array(fc.oneof({ weight: 12, arbitrary: alone }, { weight: 1, arbitrary: scene }), {
        minLength: 1,
        maxLength: 10,
        size: "max",
      })
      .map((parts) => parts.flat()),
    choices: fc.array(fc.nat(255), { maxLength: 140, size: "max" }),
  });
}
