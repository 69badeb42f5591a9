import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import type { UserProfile } from "express-logout";

const derive = promisify<string, Buffer, number, Buffer>(scrypt);

export interface User {
  readonly id: string;
  readonly profile: UserProfile;
  readonly isAdmin: boolean;
}

interface Secret {
  readonly salt: Buffer;
  readonly hash: Buffer;
}

/** The demo's accounts. Their passwords stand on the login page: a real app keeps hashes alone. */
export const DEMO_PASSWORDS: Readonly<Record<string, string>> = {
  alice: "wonderland",
  bob: "can-we-fix-it",
  admin: "in-charge",
};

/** So many customers more, for tests under load: customer-1, customer-2 and so on. */
const CUSTOMERS = Array.from({ length: Number(process.env["CUSTOMERS"] ?? 0) }, (_, index) => ({
  id: `customer-${String(index + 1)}`,
  profile: { name: `Customer ${String(index + 1)}` },
  isAdmin: false,
}));
const CUSTOMERS_PASSWORD = "always-right";

const USERS: ReadonlyMap<string, User> = new Map(
  [
    ...CUSTOMERS,
    {
      id: "alice",
      profile: { name: "Alice Liddell", email: "alice@shop.example", photo: portrait("#8a4fbf", "#ffd9b3") },
      isAdmin: false,
    },
    {
      id: "bob",
      profile: { name: "Bob", email: "bob@shop.example", photo: portrait("#2e7d5b", "#c68e65") },
      isAdmin: false,
    },
    { id: "admin", profile: { name: "Ada Minh", email: "ada@shop.example" }, isAdmin: true },
  ].map((user) => [user.id, user]),
);

/** A generic portrait: head and shoulders. */
function portrait(clothes: string, skin: string): string {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" fill="#dfe5ee"/><circle cx="16" cy="13" r="6" fill="${skin}"/><path d="M4 32a12 11 0 0 1 24 0" fill="${clothes}"/></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

const customersSecret = hashPassword(CUSTOMERS_PASSWORD);
const SECRETS = new Map<string, Promise<Secret>>([
  ...Object.entries(DEMO_PASSWORDS).map(([id, password]) => [id, hashPassword(password)] as const),
  ...CUSTOMERS.map(({ id }) => [id, customersSecret] as const),
]);

export function findUser(id: string | undefined): User | undefined {
  return id === undefined ? undefined : USERS.get(id);
}

export function administrators(): string[] {
  return [...USERS.values()].filter(({ isAdmin }) => isAdmin).map(({ id }) => id);
}

/** The ids of the users whose names contain this text. */
export function searchUsers(text: string): string[] {
  const users = [...USERS.values()].filter(({ profile }) => profile.name?.toLowerCase().includes(text.toLowerCase()));
  return users.map(({ id }) => id);
}

/** The user, if the password is correct. An unknown name takes as long as a wrong password. */
export async function authenticate(id: unknown, password: unknown): Promise<User | undefined> {
  if (typeof id !== "string" || typeof password !== "string") return undefined;
  const { salt, hash } = await (SECRETS.get(id) ?? hashPassword(""));
  const isRight = timingSafeEqual(await derive(password, salt, 64), hash);
  return isRight ? USERS.get(id) : undefined;
}

async function hashPassword(password: string): Promise<Secret> {
  const salt = randomBytes(16);
  return { salt, hash: await derive(password, salt, 64) };
}
