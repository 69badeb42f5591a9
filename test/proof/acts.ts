import type { Request, Response } from "express";
import { LogoutError, type LogoutMiddleware } from "../../lib/index.js";
import { destroy, regenerate, reload, save } from "../support/race-app.js";
import type { Model, Visit } from "./model.js";

declare module "express-session" {
  interface SessionData {
    tag?: string | undefined;
  }
}

/** Acts of an app on a session that do not change the user. */
export const HARMLESS = ["read", "write", "save", "save, not waited for", "touch", "reload", "keep a copy"] as const;
/** Acts that change only the session's lifetime. */
export const LIFETIMES = [
  "shorten the cookie",
  "shorten the cookie and save",
  "lengthen the cookie",
  "lengthen the cookie and save",
] as const;
export const ROTATIONS = [
  "regenerate and copy the user",
  "regenerate and copy everything",
  "rotate by hand",
  "confirm the login",
] as const;
export const LOGINS = ["log in", "log in, in place", "start a login", "kick and start a login"] as const;
export const LOGOUTS = [
  "destroy()",
  "regenerate()",
  "remove the user and save",
  "remove the user",
  "req.session = null",
  "endLogin()",
  "maxAge = 0",
  "maxAge = 0 and save",
  "maxAge = -1",
] as const;

type Does = (typeof HARMLESS)[number] | (typeof LIFETIMES)[number] | (typeof ROTATIONS)[number];

export type Act =
  | { readonly does: Does | (typeof LOGOUTS)[number] }
  | { readonly does: (typeof LOGINS)[number]; readonly user: string };

export interface Scene {
  readonly req: Request;
  readonly res: Response;
  /** Where the request goes to a process with the package. */
  readonly auth: LogoutMiddleware | undefined;
  readonly visit: Visit;
  readonly model: Model;
  readonly newTag: (user: string) => string;
  /** A job or a queue gets a copy of the session. */
  readonly keepCopy: (req: Request) => void;
  /** Kicks a user in this request; resolves once the kick is answered. */
  readonly kick: (auth: LogoutMiddleware, user: string) => Promise<void>;
  /** `req.session = null` is a logout under `unset: "destroy"` alone. */
  readonly unset: "destroy" | "keep";
}

/** The lifetimes of cookies that apps set by themselves. */
export const SHORT_MS = 10 * 60_000;
export const LONG_MS = 60 * 60_000;

interface Generates {
  generate(req: Request): void;
}

/** Informs the model, then does this. */
export async function act(scene: Scene, what: Act): Promise<void> {
  const { req, visit } = scene;
  if ((req.session as unknown) === undefined || (req.session as unknown) === null) return;
  switch (what.does) {
    case "read":
      return;
    case "write":
      req.session.visits = (req.session.visits ?? 0) + 1;
      return;
    case "save":
      req.session.visits = (req.session.visits ?? 0) + 1;
      return save(req);
    case "save, not waited for":
      req.session.visits = (req.session.visits ?? 0) + 1;
      // A logout is final when its save is: an app waits for that.
      if (visit.change?.ends !== undefined) return save(req);
      // express-session renews the cookie at the end of the request, which may be while this save is under way: what the
      // session's life is then, only its end shows.
      visit.hasUnawaitedSave = true;
      req.session.touch().save();
      return;
    case "touch":
      req.session.touch();
      return;
    case "reload":
      return readAgain(scene);
    case "keep a copy":
      scene.keepCopy(req);
      return;
    case "shorten the cookie":
    case "shorten the cookie and save":
    case "lengthen the cookie":
    case "lengthen the cookie and save":
      return setLifetime(scene, what.does);
    case "regenerate and copy the user":
    case "regenerate and copy everything":
    case "rotate by hand":
      return rotate(scene, what.does);
    case "confirm the login":
      return confirm(scene);
    case "log in":
    case "log in, in place":
      return logIn(scene, what.user, what.does === "log in");
    case "start a login":
    case "kick and start a login":
      return startLogin(scene, what.user, what.does === "kick and start a login");
    case "destroy()":
    case "regenerate()":
    case "remove the user and save":
    case "remove the user":
    case "req.session = null":
    case "endLogin()":
    case "maxAge = 0":
    case "maxAge = 0 and save":
    case "maxAge = -1":
      return logOut(scene, what.does);
  }
}

async function readAgain({ req, visit, model }: Scene): Promise<void> {
  model.reads(visit, req.sessionID);
  // A session that is gone cannot be reloaded: the app goes on with what it has, which is not to be served any more.
  const isThere = await reload(req).then(
    () => true,
    () => false,
  );
  if (isThere) model.found(visit, req.sessionID, req.session.tag);
  else model.notFound(visit);
}

async function setLifetime({ req, visit, model }: Scene, how: (typeof LIFETIMES)[number]): Promise<void> {
  const isShorter = how.startsWith("shorten");
  model.changesLifetime(visit, isShorter);
  req.session.cookie.maxAge = isShorter ? SHORT_MS : LONG_MS;
  if (!how.endsWith("and save")) return;
  req.session.visits = (req.session.visits ?? 0) + 1;
  await save(req);
}

async function rotate(
  { req, visit, model }: Scene,
  how: Exclude<(typeof ROTATIONS)[number], "confirm the login">,
): Promise<void> {
  const before = req.session;
  const { userId, tag } = before;
  const rotates = how === "rotate by hand" ? "by hand" : "regenerate";
  model.changes(visit, { sid: req.sessionID, rotates });
  if (how === "rotate by hand") {
    visit.midst?.add("a rotation by hand");
    await destroy(req);
    (req.sessionStore as unknown as Generates).generate(req);
  } else await regenerate(req);
  if (how === "regenerate and copy everything") Object.assign(req.session, before, { cookie: req.session.cookie });
  else if (userId !== undefined) Object.assign(req.session, { userId, tag });
}

/** The user has authenticated again. The login goes on, unless it has ended. */
async function confirm(scene: Scene): Promise<void> {
  const { req, auth, visit, model } = scene;
  if (auth === undefined) return rotate(scene, "regenerate and copy everything");
  const { userId } = req.session;
  if (userId === undefined) return;
  model.changes(visit, { sid: req.sessionID, rotates: "regenerate" });
  try {
    await auth.confirmLogin(req);
  } catch (error) {
    if (!LogoutError.is(error, "ERR_LOGIN_REQUIRED")) throw error;
    model.notConfirmed(visit);
    return;
  }
  if (!auth.isFresh(req, 1)) throw new Error("a login is not fresh after its confirmation");
}

async function logIn(scene: Scene, user: string, regenerates: boolean): Promise<void> {
  const { req, visit, model, newTag } = scene;
  const { userId } = req.session;
  // The same user's login goes on: it gets a new session id, or nothing changes.
  if (userId === user) return regenerates ? rotate(scene, "regenerate and copy the user") : undefined;
  const sid = req.sessionID;
  // The user's login that the request has met last continues if possible: one request begins one login of a user.
  const resumes = [...visit.met].findLast((login) => login.user === user);
  const begins = resumes === undefined ? model.begin(user, newTag(user)) : undefined;
  model.changes(visit, { sid, ends: userId === undefined ? undefined : visit.login, begins, resumes });
  if (regenerates) await regenerate(req);
  Object.assign(req.session, { userId: user, tag: (begins ?? resumes)?.tag });
}

/** The user has authenticated again: the login of this request ends, whichever user's it is, and a new one begins. */
async function startLogin(scene: Scene, user: string, kicks: boolean): Promise<void> {
  const { req, auth, visit, model, newTag } = scene;
  if (auth === undefined) return logIn(scene, user, true);
  if (kicks) await scene.kick(auth, user);
  const begins = model.begin(user, newTag(user));
  model.changes(visit, { sid: req.sessionID, ends: visit.login, begins });
  await auth.startLogin(req);
  Object.assign(req.session, { userId: user, tag: begins.tag });
  await save(req);
}

async function logOut(scene: Scene, how: (typeof LOGOUTS)[number]): Promise<void> {
  const { req, res, auth, visit, model, unset } = scene;
  if (how === "req.session = null" && unset === "keep") return;
  model.changes(visit, { sid: req.sessionID, ends: visit.login });
  switch (how) {
    case "destroy()":
      return destroy(req);
    case "regenerate()":
      return regenerate(req);
    case "remove the user and save":
    case "remove the user":
      delete req.session.userId;
      delete req.session.tag;
      return how === "remove the user and save" ? save(req) : undefined;
    case "req.session = null":
      (req as { session: unknown }).session = null;
      return;
    case "endLogin()":
      return auth === undefined ? destroy(req) : auth.logout(req, res);
    case "maxAge = 0":
    case "maxAge = 0 and save":
    case "maxAge = -1":
      req.session.cookie.maxAge = how === "maxAge = -1" ? -1 : 0;
      return how === "maxAge = 0 and save" ? save(req) : undefined;
  }
}
