import type { Request, RequestHandler, Response } from "express";

const MAX_AGE_SECONDS = "600";

/** Answers a preflight of a listed origin. Any other is for the app, and its CORS middleware. Source: Fetch Standard, section 3.3. */
export function preflight(origins: readonly string[]): RequestHandler {
  return function logoutPreflight(req, res, next) {
    if (!allowOrigin(origins, req, res)) {
      next();
      return;
    }
    res.set({
      "Access-Control-Allow-Methods": "GET",
      // Credentials forbid the wildcard. The clients send many headers of their own, none of which changes what is done.
      "Access-Control-Allow-Headers": req.get("Access-Control-Request-Headers") ?? "",
      "Access-Control-Max-Age": MAX_AGE_SECONDS,
    });
    res.vary("Access-Control-Request-Headers").status(204).end();
  };
}

/** Lets scripts of a listed origin read the response. @returns whether the request is of one */
export function allowOrigin(origins: readonly string[], req: Request, res: Response): boolean {
  if (origins.length === 0) return false;
  res.vary("Origin");
  const origin = req.get("Origin");
  if (origin === undefined || !origins.includes(origin)) return false;
  res.set({ "Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true" });
  return true;
}
