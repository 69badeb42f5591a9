import type { Request, Response } from "express";
import type { HttpContext } from "../context.js";

/** Sends a page's style sheet or script. @returns whether the request was for one. */
export function sendAsset({ options, assets }: HttpContext, req: Request, res: Response): boolean {
  if (!req.path.startsWith(options.assetsPath) || (req.method !== "GET" && req.method !== "HEAD")) return false;
  const asset = [assets.style, assets.script].find(({ name }) => req.path === `${options.assetsPath}/${name}`);
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
