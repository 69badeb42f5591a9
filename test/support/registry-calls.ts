import type {
  EndOfLogin,
  EndOfUser,
  Generation,
  KickRecord,
  ListedLogin,
  LoginRegistry,
  NewLogin,
  Since,
} from "../../lib/registry/index.js";
import { generationOf } from "../../lib/registry/testing/context.js";

export { generationOf };

export const HOUR_MS = 3_600_000;

let count = 0;
export const next = (word: string): string => `${word}-${String((count += 1))}`;

export const newKick = (more: Partial<KickRecord> = {}): KickRecord => ({
  id: next("mark"),
  at: new Date(1_700_000_000_000),
  cause: "kick",
  ...more,
});

export const newLogin = (userId = "alice"): NewLogin => ({
  id: next("login"),
  userId,
  sid: next("sid"),
  ttlMs: HOUR_MS,
});

/** Lists a login, and gives its generation. */
export async function begun(registry: LoginRegistry, login: NewLogin): Promise<Generation> {
  const generation = generationOf(await registry.add(login));
  if (generation === undefined) throw new Error(`${login.id} is not listed`);
  return generation;
}

/** The logins of a user that lists show. */
export async function shown(registry: LoginRegistry, userId: string): Promise<readonly ListedLogin[]> {
  return (await registry.list(userId, { offset: 0, limit: 1_000 })).items;
}

/** Waits until the condition is true. Fails after a timeout, so that the test releases its resources. */
export async function eventually(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const signal = AbortSignal.timeout(30_000);
  while (!(await isSo())) {
    if (signal.aborted) throw new Error("still not so");
    await new Promise(setImmediate);
  }
}

/** Lists a login that began earlier, and returns its generation; `undefined` if it was refused. */
export async function adopt(registry: LoginRegistry, login: NewLogin, since: Since): Promise<Generation | undefined> {
  return generationOf(await registry.add(login, { since }));
}

/** Ends one login, and returns it if this call has ended it, with the number of its ends. */
export async function endLogin(
  registry: LoginRegistry,
  userId: string,
  loginId: string,
  end: Omit<EndOfLogin, "loginId"> = {},
): Promise<{ readonly login: ListedLogin | undefined; readonly endCount: number }> {
  const { ended, endCount } = await registry.end(userId, { loginId, ...end });
  return { login: ended[0], endCount };
}

/** Kicks a user, and returns the logins to finish. */
export async function kickUser(
  registry: LoginRegistry,
  userId: string,
  kick: KickRecord,
  options: Pick<EndOfUser, "except" | "everyone"> = {},
): Promise<readonly ListedLogin[]> {
  return (await registry.end(userId, { kick, ...options })).ended;
}
