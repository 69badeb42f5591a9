import { ADD } from "../../lib/registry/redis/scripts/bundle.js";

/** The replies that one client loses: as ioredis does, it sends the command again, and that reply is its answer. */
export class LostReplies {
  #next: "ADD" | "any script" | undefined;

  /** The reply to the next command of this kind is lost. */
  lose(to: "ADD" | "any script"): void {
    this.#next = to;
  }

  /** Whether the reply to this command is lost. */
  loses([command = "", sha]: readonly string[]): boolean {
    const isScript = command.startsWith("EVAL");
    const isIt = isScript && (this.#next === "any script" || (this.#next === "ADD" && sha === ADD.sha));
    if (isIt) this.#next = undefined;
    return isIt;
  }
}
