import { promisify } from "node:util";
import type { Request } from "express";
import type { SessionData } from "express-session";

type Done = (error?: unknown) => void;

/** Logs a user in. Resolves when the session is saved. */
export async function logIn(req: Request, data: Partial<SessionData> & { readonly userId: string }): Promise<void> {
  // A new session id at every login: what an attacker may have planted before is worth nothing after.
  await promisify((done: Done) => req.session.regenerate(done))();
  Object.assign(req.session, data);
  await saveSession(req);
}

/** express-session sends a redirect on its way while it still saves: the next page could be asked for too early. */
export function saveSession(req: Request): Promise<unknown> {
  return promisify((done: Done) => req.session.save(done))();
}

/** A path of this very site: anything else could lead somewhere else after the login. */
export function wayBack(given: unknown): string {
  return typeof given === "string" && /^\/(?![/\\])/.test(given) ? given : "/";
}
