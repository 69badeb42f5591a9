import type { Login } from "../types/login.js";
import type { ListedLogin, LoginRegistry, RegistryList, RegistryPage } from "../types/registry.js";
import { userIdArgument } from "./arguments.js";
import { readLogins } from "./login-scanner.js";
import { readPage, type CountedPage, type PageRequest } from "./paging.js";

/** A user who is online. */
export interface ActiveUser {
  readonly userId: string;
  /** The user's newest live logins: at least one, at most 50. */
  readonly logins: readonly Login[];
  /** How many live logins the user has. */
  readonly loginsCount: number;
}

/** Lists logins, without HTTP. */
export class LoginLists {
  readonly #registry: LoginRegistry;

  constructor(registry: LoginRegistry) {
    this.#registry = registry;
  }

  async list(userId: unknown, query: PageRequest = {}): Promise<CountedPage<Login>> {
    const id = userIdArgument(userId);
    return readPage(query, (page) => this.loginsOf(id, page));
  }

  /** Lists a user's live logins, newest first. */
  async loginsOf(userId: string, page: RegistryPage): Promise<RegistryList<Login>> {
    const { items, total } = await this.#registry.list(userId, page);
    return { items: items.map(withoutSids), total };
  }

  /** Returns the ids of all logins of a user, also of those that lists do not show. */
  async idsOf(userId: string): Promise<string[]> {
    const logins = await readLogins(this.#registry, userId);
    return logins.map(({ id }) => id);
  }

  async find(userId: string, loginId: string): Promise<Login | undefined> {
    const login = await this.#registry.find(userId, loginId);
    return login === undefined ? undefined : withoutSids(login);
  }

  async listActiveUsers(query: PageRequest = {}): Promise<CountedPage<ActiveUser>> {
    return readPage(query, (page) => this.activeUsers(page));
  }

  /** Lists the users online, most recently active first. */
  async activeUsers(page: RegistryPage): Promise<RegistryList<ActiveUser>> {
    const { items, total } = await this.#registry.activeUsers(page);
    return { items: items.map(({ logins, ...user }) => ({ ...user, logins: logins.map(withoutSids) })), total };
  }
}

/** Returns the public fields of a login: no session ids, and its session's expiry as that of the login. */
export function withoutSids({ id, userId, began, lastActive, shownUntil, ip, userAgent }: ListedLogin): Login {
  return { id, userId, began, lastActive, expires: shownUntil, ip, userAgent };
}
