import type { AuditEntry } from "../../audit/entry.js";
import { listHistory } from "../../logins/list-history.js";
import { argumentsError, CliError, EXIT, usageError } from "../errors.js";
import { table } from "../terminal.js";
import { readTime, TIME, writeTime } from "../times.js";
import { list, type ListFlags } from "./lists.js";

export interface HistoryFlags extends ListFlags {
  readonly user?: string | undefined;
  readonly by?: string | undefined;
  readonly before?: string | undefined;
}

/** `history` */
export async function history(args: readonly string[], { user, by, before, ...flags }: HistoryFlags): Promise<number> {
  if (args.length > 0) throw argumentsError("history takes no arguments: --user <id> for one user.");
  const time = before === undefined ? undefined : readTime(before);
  if (before !== undefined && time === undefined) throw usageError(`history: --before must be ${TIME}.`);
  return list(
    flags,
    ({ registry }, query) => {
      if (registry.history !== undefined)
        return listHistory(registry.history, { ...query, userId: user, by, before: time });
      throw new CliError("The registry keeps no history.", EXIT.notDone);
    },
    ({ items }) => {
      table(["AT (UTC)", "ACTION", "USER", "LOGINS", "BY", "REASON"], items.map(rowOf));
    },
  );
}

function rowOf({ at, action, outcome, userId, logins, by, reason }: AuditEntry): string[] {
  const what = outcome === "success" || action === "denied" ? action : `${action}, failed`;
  return [writeTime(new Date(at)), what, userId ?? "-", String(logins ?? "-"), by ?? "-", reason ?? ""];
}
