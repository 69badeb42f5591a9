import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { STATEMENTS, type StatementName } from "../../lib/registry/sqlite/statements.js";
import type { OpenDatabase } from "../support/sqlite-engine.js";
import { SqliteSite } from "../support/sqlite-site.js";

let site: SqliteSite;
let database: OpenDatabase;
beforeAll(async () => {
  site = new SqliteSite();
  await site.open().find("alice", "creates the tables");
  database = site.database();
});
afterAll(() => site.stop());

/** How SQLite would run a statement, a line for each table or sort. */
function planOf(name: StatementName): string[] {
  const values = Array<string>(STATEMENTS[name].split("?").length - 1).fill("x");
  const steps = database.prepare(`EXPLAIN QUERY PLAN ${STATEMENTS[name]}`).all(...values) as { detail: string }[];
  // Releases of SQLite differ in what they call covering.
  return steps.map(({ detail }) => detail.replace("COVERING ", ""));
}

const NAMES = Object.keys(STATEMENTS) as StatementName[];
/** A table of one row. */
const ONE_ROW = "SCAN express_logout_schema";
/** What concerns all users of an application, or all processes. */
const OF_ALL =
  /(?:users|apps|history) USING .*\(app=\?|until \(app=\? AND until<\?|ends(?: USING INTEGER PRIMARY KEY|$)/;
/** What is about one external key. */
const OF_KEY = /(?:bound|key_marks) USING .*\(app=\? AND key=\?/;

describe("how SQLite runs the statements", () => {
  it.each(NAMES)("reads no whole table: %s", (name) => {
    expect(planOf(name).filter((step) => step.startsWith("SCAN express_logout") && step !== ONE_ROW)).toEqual([]);
  });

  it.each(NAMES)("reads the rows of one user, of the users in a range, or of one external key: %s", (name) => {
    const searches = planOf(name).filter(
      (step) => step.startsWith("SEARCH") && !OF_ALL.test(step) && !OF_KEY.test(step),
    );
    for (const step of searches) expect(step).toMatch(/\(app=\? AND user[=>]\?/);
  });

  it.each([
    ["findLogin", "logins USING PRIMARY KEY (app=? AND user=? AND id=?)"],
    ["findKicked", "kicked USING PRIMARY KEY (app=? AND user=? AND id=?)"],
    ["findEnded", "ended USING PRIMARY KEY (app=? AND user=? AND id=?)"],
    ["findUser", "users USING PRIMARY KEY (app=? AND user=?)"],
    ["deleteSomeKicked", "kicked USING PRIMARY KEY (app=? AND user=? AND id=?)"],
    ["deleteExpiredLogins", "logins USING INDEX express_logout_logins_expires (app=? AND user=? AND expires<?)"],
    ["deleteExpiredKicked", "kicked USING INDEX express_logout_kicked_expires (app=? AND user=? AND expires<?)"],
    ["deleteExpiredEnded", "ended USING INDEX express_logout_ended_until (app=? AND user=? AND until<?)"],
    ["lastExpiry", "logins USING INDEX express_logout_logins_expires (app=? AND user=?)"],
    ["usersUntil", "users USING INDEX express_logout_users_until (app=? AND until<?)"],
    ["usersAfter", "users USING INDEX express_logout_users_online (app=? AND user>?)"],
    ["listHistoryOf", "history USING INDEX express_logout_history_user (app=? AND user=? AND number<?)"],
    ["deleteOldHistory", "history USING INDEX express_logout_history_at (app=? AND at<?)"],
    ["findBound", "bound USING PRIMARY KEY (app=? AND key=? AND user=? AND id=?)"],
    ["deleteBound", "bound USING PRIMARY KEY (app=? AND key=? AND user=? AND id=?)"],
    ["deleteOldBound", "bound USING INDEX express_logout_bound_until (app=? AND until<?)"],
    ["deleteOldBound", "bound USING PRIMARY KEY (app=? AND key=? AND user=? AND id=?)"],
    ["findMarkOf", "key_marks USING PRIMARY KEY (app=? AND key=?)"],
    ["deleteOldMarks", "key_marks USING INDEX express_logout_key_marks_until (app=? AND until<?)"],
    ["deleteOldMarks", "key_marks USING PRIMARY KEY (app=? AND key=?)"],
    ["endsAfter", "ends USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"],
  ] as const)("finds the rows of %s by their index", (name, search) => {
    expect(planOf(name)).toContain(`SEARCH express_logout_${search}`);
  });

  it.each([
    ["listShown", "logins USING INDEX express_logout_logins_began (app=? AND user=?)"],
    ["listHistory", "history USING INDEX express_logout_history_number (app=? AND number<?)"],
    ["listBound", "bound USING PRIMARY KEY (app=? AND key=? AND (user,id)>(?,?))"],
    ["listActive", "users USING INDEX express_logout_users_active (app=?)"],
  ] as const)("reads a page of %s in its order, without sorting", (name, search) => {
    expect(planOf(name)).toEqual([`SEARCH express_logout_${search}`]);
  });
});
