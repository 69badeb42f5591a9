import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The address that is listed. */
export const BYE = "https://shop.example/bye";

/** Known open-redirect tricks against a list that holds {@link BYE}. None of them is on the list. */
export const TRICKS: readonly string[] = readFileSync(join(__dirname, "open-redirects.txt"), "utf8")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("# "));
