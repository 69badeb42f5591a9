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

const USERS: ReadonlyMap<string, User> = new Map(
  [
    { id: "alice", profile: { name: "Alice Liddell", username: "alice", email: "alice@shop.example" }, isAdmin: false },
    { id: "bob", profile: { name: "Bob", username: "bob", email: "bob@shop.example" }, isAdmin: false },
    { id: "admin", profile: { name: "The administrator", username: "admin" }, isAdmin: true },
  ].map((user) => [user.id, user]),
);

const SECRETS = new Map<string, Promise<Secret>>(
  Object.entries(DEMO_PASSWORDS).map(([id, password]) => [id, hashPassword(password)]),
);

export function findUser(id: string | undefined): User | undefined {
  return id === undefined ? undefined : USERS.get(id);
}

/** The user, if the password is his. An unknown name takes as long as a wrong password. */
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
