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
  options: Pick<EndOfUser, "except"> = {},
): Promise<readonly ListedLogin[]> {
  return (await registry.end(userId, { kick, ...options })).ended;
}
