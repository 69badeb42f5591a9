import { randomBytes } from "node:crypto";
import type { Generation, KickRecord } from "../../types/login.js";
import type {
  AddResult,
  EndedLogins,
  EndOfLogin,
  EndOfUser,
  HistoryLimits,
  ListedLogin,
  LoginRegistry,
  NewLogin,
  RegistryListener,
  Since,
  Subscription,
} from "../../types/registry.js";
import { isTrue, pause } from "./assertions.js";

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
/** The history of a login that was never ended, of a user who was never kicked. */
export const FIRST_TIME: Since = { generation: "", endCount: 0 };
export const ALL = { offset: 0, limit: 1_000 };
const MAX_SESSION_AGE_MS = 86_400_000;
const ADDED_AT_ONCE = 200;

let count = 0;
export const unique = (word: string): string => `${word}-${String((count += 1))}`;

export const newSpace = (): string => `contract-${randomBytes(9).toString("base64url")}`;

export const newKick = (more: Partial<KickRecord> = {}): KickRecord => ({
  id: unique("kick"),
  at: new Date(1_700_000_000_000),
  cause: "kick",
  by: "ops",
  ...more,
});

export const newLogin = (userId: string, more: Partial<NewLogin> = {}): NewLogin => ({
  id: unique("login"),
  userId,
  sid: unique("sid"),
  ttlMs: HOUR_MS,
  ...more,
});

/** Lists logins, some hundreds at a time: a pool of clients lets none wait for long, on a busy machine too. */
export async function addAll(registry: Pick<LoginRegistry, "add">, logins: readonly NewLogin[]): Promise<void> {
  for (let from = 0; from < logins.length; from += ADDED_AT_ONCE) {
    await Promise.all(logins.slice(from, from + ADDED_AT_ONCE).map((login) => registry.add(login)));
  }
}

/** Returns the generation of a listed login; `undefined` if it was refused. */
export function generationOf(added: AddResult): Generation | undefined {
  return added.outcome === "listed" ? added.generation : undefined;
}

/** Records what a subscription reports. */
export class Recorder implements RegistryListener {
  readonly notifications: EndedLogins[] = [];
  isConnected = false;
  gaps = 0;

  ended(ended: EndedLogins): void {
    this.notifications.push(ended);
  }

  connected(): void {
    this.isConnected = true;
  }

  disconnected(): void {
    this.isConnected = false;
  }

  gap(): void {
    this.gaps += 1;
  }

  get loginIds(): string[] {
    return this.notifications.flatMap(({ loginIds }) => loginIds).sort();
  }
}

type Create = (space: string) => LoginRegistry | Promise<LoginRegistry>;

/** What one test uses: a registry without data, and short forms of its calls. */
export class RegistryContext {
  readonly registry: LoginRegistry;
  readonly space: string;
  readonly #create: Create;
  readonly #subscriptions: Subscription[] = [];
  readonly #registries: LoginRegistry[];

  private constructor(registry: LoginRegistry, space: string, create: Create) {
    this.registry = registry;
    this.space = space;
    this.#create = create;
    this.#registries = [registry];
  }

  static async open(create: Create): Promise<RegistryContext> {
    const space = newSpace();
    const registry = await create(space);
    registry.init({ appId: space, maxSessionAgeMs: MAX_SESSION_AGE_MS });
    return new RegistryContext(registry, space, create);
  }

  /** Opens the registry of another process, or with another space one of another application. */
  readonly another = async ({
    space = this.space,
    maxSessionAgeMs = MAX_SESSION_AGE_MS,
    history = undefined as HistoryLimits | undefined,
  } = {}): Promise<LoginRegistry> => {
    const registry = await this.#create(space);
    this.#registries.push(registry);
    registry.init({ appId: space, maxSessionAgeMs, history });
    return registry;
  };

  /** Subscribes, and waits until notifications arrive. */
  async listen(registry = this.registry): Promise<{ recorder: Recorder; subscription: Subscription }> {
    const recorder = new Recorder();
    const subscription = registry.subscribe(recorder, { checkIntervalMs: 1_000 });
    this.#subscriptions.push(subscription);
    await until(() => recorder.isConnected && recorder.gaps > 0, "connected() and gap() are not called");
    return { recorder, subscription };
  }

  async close(): Promise<void> {
    for (const subscription of this.#subscriptions) await subscription.close();
    for (const registry of this.#registries) await registry.close();
  }

  /** Lists a login that begins now, and returns its generation. */
  readonly begin = async (login: NewLogin): Promise<Generation> => {
    const generation = generationOf(await this.registry.add(login));
    if (generation === undefined) throw new Error(`${login.id} is not listed`);
    return generation;
  };

  /** Lists a login that began earlier, and returns its generation; `undefined` if it is refused. */
  readonly adopt = async (login: NewLogin, since: Since = FIRST_TIME): Promise<Generation | undefined> =>
    generationOf(await this.registry.add(login, { since }));

  /** Ends one login, and returns it if this call has ended it. */
  readonly endLogin = async (
    { userId, id: loginId }: Pick<NewLogin, "userId" | "id">,
    end: Omit<EndOfLogin, "loginId"> = {},
  ): Promise<{ readonly login: ListedLogin | undefined; readonly endCount: number }> => {
    const { ended, endCount } = await this.registry.end(userId, { loginId, ...end });
    isTrue(ended.length <= 1, "the end of one login returns several");
    return { login: ended[0], endCount };
  };

  /** Kicks a user, and returns the logins. */
  readonly kick = async (userId: string, more: Partial<EndOfUser> = {}): Promise<readonly ListedLogin[]> =>
    (await this.registry.end(userId, { kick: newKick(), ...more })).ended;

  /** Returns the number of users online, and their ids. */
  readonly online = async (): Promise<unknown[]> => {
    const { items, total } = await this.registry.activeUsers({ offset: 0, limit: 10 });
    return [total, ...items.map(({ userId }) => userId)];
  };

  /** Returns the users that a kick of everyone would find. */
  readonly everyone = async (): Promise<string[]> => {
    const found = new Set<string>();
    for await (const userIds of this.registry.scanUsers()) for (const userId of userIds) found.add(userId);
    return [...found].sort();
  };

  readonly idsOf = async (userId: string): Promise<string[]> =>
    idsOf((await this.registry.list(userId, ALL)).items).sort();
}

export function idsOf(logins: readonly { readonly id: string }[]): string[] {
  return logins.map(({ id }) => id);
}

/** Waits for notifications. */
export async function until(isSo: () => boolean, message: string): Promise<void> {
  for (const end = Date.now() + 20_000; !isSo();) {
    isTrue(Date.now() < end, message);
    await pause(1);
  }
}
