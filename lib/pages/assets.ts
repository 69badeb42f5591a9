import { createHash } from "node:crypto";
import { SCRIPT, STYLE } from "./browser/bundle.js";

/** A file that pages load. The name contains a hash of the content, so that browsers can cache the file forever. */
export interface Asset {
  readonly name: string;
  readonly type: string;
  readonly body: string;
}

export interface Assets {
  readonly style: Asset;
  readonly script: Asset;
}

export function createAssets(accentColor: string): Assets {
  return {
    style: asset("style", "css", "text/css", `:root{--accent:${accentColor}}\n${STYLE}`),
    script: asset("script", "js", "text/javascript", SCRIPT),
  };
}

function asset(name: string, extension: string, type: string, body: string): Asset {
  const hash = createHash("sha256").update(body).digest("base64url").slice(0, 12);
  return { name: `${name}.${hash}.${extension}`, type, body };
}
