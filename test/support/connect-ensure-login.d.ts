declare module "connect-ensure-login" {
  import type { RequestHandler } from "express";

  export function ensureLoggedIn(loginUrl: string): RequestHandler;
}
