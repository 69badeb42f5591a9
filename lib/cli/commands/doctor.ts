import { findingsOfRegistry } from "../../operation/registry-findings.js";
import { argumentsError, EXIT } from "../errors.js";
import { openRegistry, type Place } from "../registry.js";
import { terminal } from "../terminal.js";

const INDENT = " ".repeat(9);

/** `doctor` */
export async function doctor(
  args: readonly string[],
  { json = false, ...place }: Place & { readonly json?: boolean | undefined },
): Promise<number> {
  if (args.length > 0) throw argumentsError("doctor takes no arguments.");
  const { registry, close } = await openRegistry(place);
  try {
    const findings = await findingsOfRegistry(registry);
    if (json) terminal.json(findings);
    else {
      for (const { level, what, why, how } of findings) {
        terminal.data(`${terminal.colored(level, level.padEnd(7))}  ${what}: ${why}`);
        if (how !== undefined && level !== "ok") terminal.data(`${INDENT}${how}`);
      }
    }
    const errors = findings.filter(({ level }) => level === "error").length;
    if (errors > 0) terminal.note(`${String(errors)} of ${String(findings.length)} checks failed.`);
    return errors > 0 ? EXIT.notDone : EXIT.done;
  } finally {
    await close();
  }
}
