/** No time is later. */
const NEVER = "8640000000000000";
const IS_LIVE = `expires > ? AND min(coalesce(lasts_until, ${NEVER}), last_active + coalesce(idle_ms, ${NEVER})) > ?`;
/** The columns of a login, in the order of the table. */
const LOGIN = "id, began, last_active, expires, shown_until, ip, user_agent, sids, lasts_until, idle_ms";
const OF_USER = "app = ? AND user = ?";
const OF_LOGIN = `${OF_USER} AND id = ?`;
/** The ids in a JSON array. */
const IS_NOT_IN = "id NOT IN (SELECT value FROM json_each(?))";
const OF_KEY = "app = ? AND key = ?";
const IS_SHOWN = "shown_until > ? AND sids <> '[]'";

/**
 * The statements, with the default names. Parameters come in the order of their `?` in the text.
 */
export const STATEMENTS = {
  findVersions: "SELECT version, serves FROM express_logout_schema",

  // Logins
  findLogin: `SELECT ${LOGIN} FROM express_logout_logins WHERE ${OF_LOGIN} AND expires > ?`,
  // On the path of every request: each column costs time.
  findSids: `SELECT sids FROM express_logout_logins WHERE ${OF_LOGIN} AND ${IS_LIVE}`,
  otherLogins: `SELECT ${LOGIN} FROM express_logout_logins WHERE ${OF_USER} AND id <> ? AND ${IS_LIVE}`,
  putLogin: "INSERT OR REPLACE INTO express_logout_logins VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
  scanLogins: `SELECT ${LOGIN} FROM express_logout_logins WHERE ${OF_USER} AND ${IS_LIVE}`,
  deleteLogin: `DELETE FROM express_logout_logins WHERE ${OF_LOGIN}`,
  deleteLogins: `DELETE FROM express_logout_logins WHERE ${OF_USER}`,
  loginsOf: `SELECT ${LOGIN} FROM express_logout_logins WHERE ${OF_USER}`,
  deleteLoginsBut: `DELETE FROM express_logout_logins WHERE ${OF_USER} AND ${IS_NOT_IN}`,
  deleteExpiredLogins: `DELETE FROM express_logout_logins WHERE ${OF_USER} AND expires <= ?`,
  lastExpiry: `SELECT max(expires) AS last FROM express_logout_logins WHERE ${OF_USER}`,
  lastShown: `SELECT max(shown_until) AS last FROM express_logout_logins WHERE ${OF_USER} AND sids <> '[]'`,

  // Kicked logins
  keepKicked: `INSERT OR REPLACE INTO express_logout_kicked SELECT * FROM express_logout_logins WHERE ${OF_LOGIN}`,
  keepKickedBut: `INSERT OR REPLACE INTO express_logout_kicked
    SELECT * FROM express_logout_logins WHERE ${OF_USER} AND ${IS_NOT_IN} AND ${IS_LIVE}`,
  findKicked: `SELECT ${LOGIN} FROM express_logout_kicked WHERE ${OF_LOGIN}`,
  listKicked: `SELECT ${LOGIN} FROM express_logout_kicked WHERE ${OF_USER} AND expires > ?`,
  deleteKicked: `DELETE FROM express_logout_kicked WHERE ${OF_LOGIN}`,
  deleteSomeKicked: `DELETE FROM express_logout_kicked WHERE ${OF_USER} AND id IN (SELECT value FROM json_each(?))`,
  deleteAllKicked: `DELETE FROM express_logout_kicked WHERE ${OF_USER}`,
  deleteExpiredKicked: `DELETE FROM express_logout_kicked WHERE ${OF_USER} AND expires <= ?`,

  // Ends of single logins
  findEnded: `SELECT ends, kick, until FROM express_logout_ended WHERE ${OF_LOGIN} AND until > ?`,
  putEnded: "INSERT OR REPLACE INTO express_logout_ended VALUES (?, ?, ?, ?, ?, ?)",
  deleteAllEnded: `DELETE FROM express_logout_ended WHERE ${OF_USER}`,
  deleteExpiredEnded: `DELETE FROM express_logout_ended WHERE ${OF_USER} AND until <= ?`,

  // Users
  findUser: `SELECT shown, kick_id, kick, kick_until, spared, kept FROM express_logout_users WHERE ${OF_USER}`,
  keepUser: `INSERT INTO express_logout_users (app, user, until) VALUES (?, ?, ?)
    ON CONFLICT (app, user) DO UPDATE SET until = max(until, excluded.until)`,
  setActive: `INSERT INTO express_logout_users (app, user, active, expires, until) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (app, user) DO UPDATE SET active = excluded.active, expires = max(coalesce(expires, 0), excluded.expires),
    until = max(until, excluded.until)`,
  setExpires: `UPDATE express_logout_users SET expires = ? WHERE ${OF_USER}`,
  setShown: `UPDATE express_logout_users SET shown = ? WHERE ${OF_USER}`,
  putKick: `INSERT INTO express_logout_users (app, user, expires, shown, kick_id, kick, kick_until, kept, until)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (app, user) DO UPDATE SET expires = excluded.expires, shown = excluded.shown, kick_id = excluded.kick_id,
    kick = excluded.kick, kick_until = excluded.kick_until, spared = NULL, kept = excluded.kept,
    until = max(until, excluded.until)`,
  deleteUser: `DELETE FROM express_logout_users WHERE ${OF_USER}`,

  // Everyone
  findKickOfEveryone: "SELECT kick_id, kick FROM express_logout_apps WHERE app = ?",
  putKickOfEveryone: "INSERT OR REPLACE INTO express_logout_apps VALUES (?, ?, ?)",

  // Notifications
  putEnd: "INSERT INTO express_logout_ends (app, user, ids, kick, at) VALUES (?, ?, ?, ?, ?)",
  // Two subqueries, because min and max in one SELECT would scan the table.
  endNumbers: `SELECT (SELECT min(number) FROM express_logout_ends) AS first,
    (SELECT max(number) FROM express_logout_ends) AS last`,
  endsAfter:
    "SELECT user, ids, kick FROM express_logout_ends WHERE number > ? AND number <= ? AND app = ? ORDER BY number",
  // Never the last one, so that a reader notices what it has missed.
  deleteOldEnds: `DELETE FROM express_logout_ends WHERE number <= (
    SELECT max(number) FROM express_logout_ends WHERE at < ? AND number < (SELECT max(number) FROM express_logout_ends))`,

  // History
  keepEnd: `INSERT INTO express_logout_history (app, user, id, at, kick, ids, logins) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (app, id, user) WHERE kick IS NOT NULL DO UPDATE SET
    ids = rtrim(ids, ']') || ',' || ltrim(excluded.ids, '['), logins = logins + excluded.logins`,
  keepEntry: "INSERT INTO express_logout_history (app, user, id, at, entry) VALUES (?, ?, ?, ?, ?)",
  listHistory: `SELECT number, user, kick, ids, logins, entry FROM express_logout_history
    WHERE app = ? AND number < ? ORDER BY number DESC LIMIT ?`,
  // By its own choice, SQLite would read the entries of all users in their order.
  listHistoryOf: `SELECT number, user, kick, ids, logins, entry FROM express_logout_history INDEXED BY express_logout_history_user
    WHERE app = ? AND user IN (?, ?) AND number < ? ORDER BY number DESC LIMIT ?`,
  deleteOldHistory: "DELETE FROM express_logout_history WHERE app = ? AND at < ?",
  deleteLongHistory: `DELETE FROM express_logout_history WHERE app = ? AND number <= (
    SELECT number FROM express_logout_history WHERE app = ? ORDER BY number DESC LIMIT 1 OFFSET ?)`,

  // External keys
  findBound: `SELECT since, until FROM express_logout_bound WHERE ${OF_KEY} AND user = ? AND id = ? AND until > ?`,
  putBound: "INSERT OR REPLACE INTO express_logout_bound VALUES (?, ?, ?, ?, ?, ?)",
  listBound: `SELECT user, id, since FROM express_logout_bound
    WHERE ${OF_KEY} AND (user, id) > (?, ?) AND until > ? ORDER BY user, id LIMIT ?`,
  deleteBound: `DELETE FROM express_logout_bound WHERE ${OF_KEY} AND user = ? AND id = ? AND coalesce(since <= ?, since IS NULL)`,
  countOldBound: `SELECT count(*) AS count FROM (SELECT 1 FROM express_logout_bound WHERE app = ? AND until <= ? LIMIT ?)`,
  deleteOldBound: `DELETE FROM express_logout_bound WHERE app = ? AND (key, user, id) IN (
    SELECT key, user, id FROM express_logout_bound WHERE app = ? AND until <= ? LIMIT ?)`,
  findMark: `SELECT before FROM express_logout_key_marks WHERE ${OF_KEY} AND until > ?`,
  findMarkOf: `SELECT kick FROM express_logout_key_marks WHERE ${OF_KEY} AND until > ? AND before >= ?`,
  putMark: "INSERT OR REPLACE INTO express_logout_key_marks VALUES (?, ?, ?, ?, ?)",
  keepMark: `UPDATE express_logout_key_marks SET until = ? WHERE ${OF_KEY}`,
  countOldMarks: `SELECT count(*) AS count FROM (SELECT 1 FROM express_logout_key_marks WHERE app = ? AND until <= ? LIMIT ?)`,
  deleteOldMarks: `DELETE FROM express_logout_key_marks WHERE app = ? AND key IN (
    SELECT key FROM express_logout_key_marks WHERE app = ? AND until <= ? LIMIT ?)`,

  // Lists
  countShown: `SELECT count(*) AS count FROM (SELECT 1 FROM express_logout_logins WHERE ${OF_USER} AND ${IS_SHOWN} LIMIT ?)`,
  countLogins: `SELECT count(*) AS count FROM express_logout_logins WHERE ${OF_USER}`,
  listShown: `SELECT ${LOGIN} FROM express_logout_logins WHERE ${OF_USER} AND ${IS_SHOWN} ORDER BY began DESC, id LIMIT ? OFFSET ?`,
  countActive: "SELECT count(*) AS count FROM express_logout_users WHERE app = ? AND shown > ?",
  listActive:
    "SELECT user FROM express_logout_users WHERE app = ? AND shown > ? ORDER BY active DESC, user LIMIT ? OFFSET ?",
  // Two scans, each over its own index: one condition for both would scan every user. So would SQLite 3.53 by its own choice.
  usersAfter: `SELECT user FROM (SELECT user FROM express_logout_users INDEXED BY express_logout_users_online
      WHERE app = ? AND user > ? AND expires IS NOT NULL ORDER BY user LIMIT ?)
    UNION
    SELECT user FROM (SELECT DISTINCT user FROM express_logout_kicked WHERE app = ? AND user > ? ORDER BY user LIMIT ?)
    ORDER BY user LIMIT ?`,
  usersUntil: "SELECT user FROM express_logout_users WHERE app = ? AND until <= ? LIMIT ?",

  // Settings
  databases: "PRAGMA database_list",
  journalMode: "PRAGMA journal_mode",
  schemaVersion: "SELECT version FROM express_logout_schema",
  countUsers: "SELECT count(*) AS count FROM express_logout_users WHERE app = ? AND expires > ?",
} as const;

export type StatementName = keyof typeof STATEMENTS;
