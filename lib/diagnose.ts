import type { Request } from "express";
import { redactError } from "./util/redact-error.js";
import { LogoutError } from "./errors.js";
import type { RequestSessions } from "./http/request-sessions.js";
import { CSRF_BEFORE, CSRF_FIX, isAfterCsrf, isBeforePassport, PASSPORT_FIX } from "./http/middleware-order.js";
import { mountedAround } from "./http/middleware-stack.js";
import type { MountPaths } from "./http/mount-paths.js";
import type { LoginRegistry } from "./types/registry.js";
import { MemoryLoginRegistry } from "./registry/memory.js";
import { ownRegistry } from "./util/own-registry.js";
import { likelyUserKeys } from "./session/rules/missing-user.js";
import type { SessionRecord } from "./session/stamp.js";
import type { StoreDescription } from "./session/store/store-support.js";
import { defaultUserId, findDefaultUserId, toUserId, type UserIdOf } from "./session/user-id.js";

const ANSWERS_WITHIN_MS = 2_000;
const REGISTRY_FIX =
  "Check that the registry's server runs and its client is connected, or that its file can be opened and written.";
const USER_ID_FIX = "Pass logout({ userId: (session) => … }) that returns the user id.";

/** A finding of {@link LogoutControls.diagnose}. */
export interface Finding {
  /** `"unknown"`: could not be checked. */
  readonly level: "ok" | "warn" | "error" | "unknown";
  /** What was checked. */
  readonly what: string;
  /** What was found. */
  readonly why: string;
  /** The fix. */
  readonly how?: string | undefined;
}

export interface DiagnosisOptions {
  readonly registry: LoginRegistry;
  readonly store: StoreDescription;
  readonly userId: UserIdOf;
  readonly sessions: Pick<RequestSessions, "rejectionOf" | "loginOf">;
  /** Whether a session() uses the store, and whether this request has been through it. */
  readonly hook: { readonly attached: boolean; knows(req: object): boolean };
  readonly mounts: Pick<MountPaths, "isWholePath">;
  /** What the app mounts. */
  readonly middleware: unknown;
}

/** Checks the set-up of one `logout()`, for people. No finding holds a session id, a token or session data but the user id. */
export class Diagnosis {
  readonly #options: DiagnosisOptions;

  constructor(options: DiagnosisOptions) {
    this.#options = options;
  }

  async run(req?: Request): Promise<readonly Finding[]> {
    const checks: (() => Finding | undefined | Promise<Finding | undefined>)[] = [
      () => this.#registry(),
      () => this.#memoryRegistry(),
      () => this.#store(),
      () => this.#attached(),
    ];
    if (req !== undefined) {
      checks.push(
        () => this.#session(req),
        () => this.#mountPath(req),
        () => this.#user(req),
        () => this.#passport(req),
        () => this.#csrf(req),
        () => body(req),
      );
    }
    const findings = await Promise.all(checks.map(attempt));
    return findings.filter((finding) => finding !== undefined);
  }

  async #registry(): Promise<Finding> {
    const { registry } = this.#options;
    const what = `registry: ${registry instanceof MemoryLoginRegistry ? "in memory" : "shared"}`;
    try {
      await within(ANSWERS_WITHIN_MS, registry.find("express-logout diagnose", "none"));
      return { level: "ok", what, why: "It responds." };
    } catch (error) {
      // The message has the fix.
      const how = LogoutError.is(error, "ERR_REGISTRY_SCHEMA") ? undefined : REGISTRY_FIX;
      const why = ownRegistry(registry) === undefined ? reasonOf(error) : withCause(error);
      return { level: "error", what, why, how };
    }
  }

  #memoryRegistry(): Finding | undefined {
    const { registry, store } = this.#options;
    if (!(registry instanceof MemoryLoginRegistry) || store.isInMemory) return undefined;
    return {
      level: "warn",
      what: "registry: lifetime",
      why: "The registry forgets logins and kicks at a restart, and the session store keeps its sessions.",
      how: 'Pass new SqliteLoginRegistry({ database: "logins.db" }); on several machines a RedisLoginRegistry or a PostgresLoginRegistry.',
    };
  }

  #store(): Finding {
    const { kind, methods, fastPaths } = this.#options.store;
    const facts = Object.entries({ ...methods, ...fastPaths }).map(([name, has]) => `${name}: ${has ? "yes" : "no"}`);
    return { level: "ok", what: `session store: ${kind}`, why: `${facts.join(", ")}.` };
  }

  #attached(): Finding {
    const what = "session()";
    if (this.#options.hook.attached) return { level: "ok", what, why: "It uses the store of logout()." };
    return {
      level: "error",
      what,
      why: "No session() uses the store of logout(), so no session is guarded.",
      how: "Pass the same store to session({ store }) and logout({ store }).",
    };
  }

  #session(req: Request): Finding {
    const what = "session of the request";
    const { sessionStore, session } = req as { sessionStore?: unknown; session?: unknown };
    if (sessionStore === undefined) {
      return {
        level: "warn",
        what,
        why: "session() has not run: it is not mounted before, the cookie's path does not match, or the store is off-line.",
        how: "Mount session({ store }) before app.use(auth).",
      };
    }
    if (!this.#options.hook.knows(req)) {
      const why = "It belongs to another session(), so this logout() leaves the request alone.";
      return {
        level: "warn",
        what,
        why,
        how: "Pass the store of that session() to logout(), if this is not intended.",
      };
    }
    if (this.#options.sessions.rejectionOf(req) !== undefined) {
      return { level: "warn", what, why: "Its login was kicked, so it was rejected.", how: "Log in again." };
    }
    if (session === undefined || session === null) {
      return { level: "warn", what, why: "It has been destroyed, or the app has taken it off the request." };
    }
    return { level: "ok", what, why: "It is there." };
  }

  #mountPath(req: Request): Finding | undefined {
    if (!this.#options.mounts.isWholePath(req)) return undefined;
    return {
      level: "error",
      what: "mount path",
      why: "logout()'s middleware is mounted by a pattern that takes the whole path, so none of its routes is found.",
      how: "Mount it by app.use(auth), or in NestJS by .forRoutes('/').",
    };
  }

  #user(req: Request): Finding | undefined {
    const session = (req as { session?: unknown }).session as SessionRecord | null | undefined;
    if (session === undefined || session === null || !this.#options.hook.knows(req)) return undefined;
    const what = "user of the session";
    const { userId: userIdOf } = this.#options;
    try {
      const userId = toUserId(userIdOf(session));
      if (userId === undefined) return anonymous(what, session);
      const key = userIdOf === defaultUserId ? findDefaultUserId(session)?.key : undefined;
      const from = key === undefined ? "from the option userId" : `from session.${key}`;
      const isLogin = this.#options.sessions.loginOf(req)?.userId === userId;
      const why = isLogin ? "The session is a login." : "The session becomes a login when it is saved.";
      return { level: "ok", what: `${what}: ${userId}, ${from}`, why };
    } catch (error) {
      return { level: "error", what, why: `The user id cannot be read: ${reasonOf(error)}`, how: USER_ID_FIX };
    }
  }

  #passport(req: Request): Finding | undefined {
    const mounted = mountedAround(req, this.#options.middleware);
    // This is what passport calls the function that passport.session() returns.
    const isAfter = mounted?.after.includes("authenticate") === true && !mounted.before.includes("authenticate");
    if (isAfter || isBeforePassport(req)) {
      const why = "passport.session() has not run before logout()'s middleware, so admin.authorize finds no req.user.";
      return { level: isAfter ? "error" : "warn", what: "order: passport.session()", why, how: PASSPORT_FIX };
    }
    if (mounted?.before.includes("authenticate") !== true) return undefined;
    return { level: "ok", what: "order: passport.session()", why: "It is mounted before logout()'s middleware." };
  }

  #csrf(req: Request): Finding | undefined {
    const what = "order: CSRF protection";
    const mounted = mountedAround(req, this.#options.middleware);
    const isCsrf = (name: string): boolean => /csrf|lusca/i.test(name);
    if (mounted?.before.some(isCsrf) === true) return { level: "error", what, why: CSRF_BEFORE, how: CSRF_FIX };
    if (mounted?.after.some(isCsrf) === true) {
      return { level: "ok", what, why: "It is mounted after logout()'s middleware." };
    }
    if (!isAfterCsrf(req)) return undefined;
    return { level: "unknown", what, why: "There is one, and it is not known where it is mounted.", how: CSRF_FIX };
  }
}

function anonymous(what: string, session: SessionRecord): Finding {
  const keys = likelyUserKeys(session);
  if (keys.length === 0) return { level: "ok", what: `${what}: none`, why: "The session is anonymous." };
  const why = `The session has no user id, but keys that look like a user's: ${keys.join(", ")}.`;
  return { level: "warn", what: `${what}: none`, why, how: USER_ID_FIX };
}

function body(req: Request): Finding | undefined {
  const { body: parsed } = req as { body?: unknown };
  if (!req.readableDidRead || parsed !== undefined || ["GET", "HEAD"].includes(req.method)) return undefined;
  return {
    level: "warn",
    what: "body of the request",
    why: "It has been read, and req.body is not set.",
    how: "Mount a body parser that sets req.body, or call app.use(auth) before what reads the body.",
  };
}

async function attempt(check: () => Finding | undefined | Promise<Finding | undefined>): Promise<Finding | undefined> {
  try {
    return await check();
  } catch (error) {
    return { level: "unknown", what: "a check", why: `It failed: ${reasonOf(error)}` };
  }
}

/** The message of an error of this package; of another one the name alone, since its message may quote data. */
function reasonOf(error: unknown): string {
  return error instanceof LogoutError ? error.message : `${redactError(error, []).name}.`;
}

/** The message of an error of a registry of this package, with its cause, which such a registry has redacted. */
function withCause(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  const reason = reasonOf(error);
  return cause instanceof Error ? reason.replace("see the cause", cause.message) : reason;
}

async function within<Value>(ms: number, promise: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new LogoutError("ERR_REGISTRY_UNAVAILABLE", `The registry did not respond within ${String(ms)} ms.`));
    }, ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
