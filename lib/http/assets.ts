import type { Request, Response } from "express";
import type { HttpContext } from "./context.js";

/** Sends a page's style sheet or script. @returns whether the request was for one. */
export function sendAsset({ options, assets }: HttpContext, req: Request, res: Response): boolean {
  const { assets: assetsPath } = options.routes;
  if (assetsPath === undefined || (req.method !== "GET" && req.method !== "HEAD")) return false;
  // In upper or lower case, as routes are.
  if (req.path.slice(0, assetsPath.length).toLowerCase() !== assetsPath.toLowerCase()) return false;
  const file = req.path.slice(assetsPath.length);
  const asset = [assets.style, assets.script].find(({ name }) => file === `/${name}`);
  if (asset === undefined) return false;
  res
    .set({
      "Content-Type": `${asset.type}; charset=utf-8`,
      "Cache-Control": "public, max-age=31536000, immutable",
      "X-Content-Type-Options": "nosniff",
    })
    .send(asset.body);
  return true;
}
