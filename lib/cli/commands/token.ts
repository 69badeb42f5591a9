import { createHash, randomBytes } from "node:crypto";
import { argumentsError, EXIT } from "../errors.js";
import { terminal } from "../terminal.js";

const BYTES = 32;

/** `token` */
export function token(args: readonly string[], { json = false }: { readonly json?: boolean | undefined }): number {
  if (args.length > 0) throw argumentsError("token takes no arguments.");
  const created = randomBytes(BYTES).toString("base64url");
  const sha256 = createHash("sha256").update(created).digest("hex");
  if (json) terminal.json({ token: created, sha256 });
  else {
    terminal.data(`token   ${created}`);
    terminal.data(`sha256  ${sha256}`);
  }
  return EXIT.done;
}
