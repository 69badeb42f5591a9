import { LOGINS_PER_USER } from "../../util/limits.js";
import { statement, type Statement } from "./database.js";
import type { Names } from "./names.js";
import { loginColumns, overAt, shownUntil } from "./records.js";

type StatementName =
  "find" | "list" | "scanLogins" | "kickOf" | "activeCount" | "activePage" | "users" | "health" | StepName;

type StepName =
  "add" | "adopt" | "update" | "remove" | "removeAll" | "finishKick" | "kickEveryone" | "forget" | "notify" | "sweep";

type HistoryStatementName = "keepEntry" | "listHistory" | "listHistoryOf" | "trimHistory";

type KeyStatementName = "bindKey" | "markKey" | "boundRows" | "dropBound" | "sweepKeys";

export type Statements = Readonly<Record<StatementName | HistoryStatementName | KeyStatementName, Statement>>;

/** The users that pages show. A process of 0.1 that ends a user's last login leaves `shown` as it was. */
const IS_ACTIVE = "app = $1 AND shown > now() AND expires > now()";
const ADDED_COLUMNS = "r.is_listed::text AS listed, r.is_full::text AS full, r.its_user_mark, r.its_app_mark";
/** One row for each login that a limit has ended; one without a login if there is none. */
const ENDED = "r LEFT JOIN LATERAL unnest(r.its_ended) l ON true";
const HISTORY_COLUMNS =
  'number::text, user_id AS "user", mark AS kick, to_json(login_ids)::text AS ids, logins::text, entry';

/**
 * Returns the statements. Reads are single statements, so each sees one snapshot; writes are functions, see `sql/`.
 *
 * @param keepsHistory - whether the steps that end logins keep that in the history
 */
export function statementsOf(names: Names, keepsHistory = false): Statements {
  const [apps, users, logins, kicked, ended] = ["apps", "users", "logins", "kicked", "ended"].map((name) =>
    names.of(name),
  ) as [string, string, string, string, string];
  return {
    find: statement(`SELECT ${loginColumns("l")} FROM ${logins} l WHERE key = $1 AND ${isLive("l")}`),
    // An empty page has one row too, for the count.
    list: statement(
      `SELECT c.count::text AS total, ${loginColumns("l")}
       FROM (SELECT count(*) FROM ${logins} s WHERE user_key = $1 AND ${isShown("s")}) c
       LEFT JOIN LATERAL (SELECT * FROM ${logins} s WHERE user_key = $1 AND ${isShown("s")}
         ORDER BY began DESC, key LIMIT $3 OFFSET $2) l ON true
       ORDER BY l.began DESC, l.key`,
    ),
    scanLogins: statement(
      `SELECT ${loginColumns("l")} FROM ${logins} l WHERE user_key = $1 AND ${isLive("l")}
       UNION ALL SELECT ${loginColumns("k")} FROM ${kicked} k WHERE user_key = $1 AND expires > now()`,
    ),
    kickOf: statement(
      `SELECT (SELECT mark FROM ${ended} WHERE key = $3 AND until > now()) AS login_mark,
         (SELECT (extract(epoch FROM ${overAt("l")}) * 1000)::text FROM ${logins} l
           WHERE key = $3 AND expires > now() AND ${overAt("l")} <= now()) AS over_at,
         (SELECT mark FROM ${users} WHERE app = $1 AND key = $2 AND mark_until > now() AND spared_by IS NULL) AS user_mark,
         (SELECT mark FROM ${apps} WHERE app = $1 AND mark_id <> ALL (coalesce(spared_by, '{}'))) AS app_mark
       FROM (SELECT ${names.of("spared_by")}($1, $2, $3) AS spared_by) s`,
    ),
    activeCount: statement(`SELECT count(*)::text AS count FROM ${users} WHERE ${IS_ACTIVE}`),
    activePage: statement(
      `SELECT u.user_id, c.count::text AS total, ${loginColumns("l")}
       FROM (SELECT key, user_id, active FROM ${users} WHERE ${IS_ACTIVE}
         ORDER BY active DESC, key LIMIT $3 OFFSET $2) u
       CROSS JOIN LATERAL (SELECT count(*) FROM ${logins} s WHERE s.user_key = u.key AND ${isShown("s")}) c
       CROSS JOIN LATERAL (SELECT * FROM ${logins} s WHERE s.user_key = u.key AND ${isShown("s")}
         ORDER BY s.began DESC, s.key LIMIT ${String(LOGINS_PER_USER)}) l
       ORDER BY u.active DESC, u.key, l.began DESC, l.key`,
    ),
    // Two scans, each over its own index: one condition for both would scan every user.
    users: statement(
      `SELECT user_id, encode(online.key, 'hex') AS key FROM (
         (SELECT u.user_id, u.key FROM ${users} u
          WHERE u.app = $1 AND u.key > decode($2, 'hex') AND u.expires IS NOT NULL ORDER BY u.key LIMIT $3)
         UNION
         (SELECT u.user_id, u.key FROM (SELECT DISTINCT user_key FROM ${kicked} WHERE user_key > decode($2, 'hex')) k
          JOIN ${users} u ON u.app = $1 AND u.key = k.user_key ORDER BY u.key LIMIT $3)
       ) online ORDER BY online.key LIMIT $3`,
    ),
    // Reads the table that requests read.
    health: statement(
      `SELECT (extract(epoch FROM clock_timestamp()) * 1000)::text AS now
       FROM (SELECT count(*) FROM (SELECT 1 FROM ${logins} LIMIT 1) l) readable`,
    ),
    ...stepsOf(names, keepsHistory),
    ...historyOf(names),
    ...keysOf(names),
  };
}

/** Writes: functions, see `sql/`. */
function stepsOf(names: Names, keepsHistory: boolean): Pick<Statements, StepName> {
  // In the list of columns: a subquery calls a volatile function there once for each row, and this one has one row. `mark`: the
  // parameter.
  const keep = (ended: string, mark: number): string =>
    keepsHistory ? `, ${names.of("keep_end")}($1, $2, $3, $${String(mark)}, ${ended})` : "";
  const step = (name: string, count: number, mark: number): string =>
    `(SELECT r.*${keep("r.its_ended", mark)} FROM ${names.of(name)}(${parameters(count)}) r)`;
  const one = keep("ARRAY[r.its_login]", 6);
  const all = keep("r.its_ended", 6);
  const ends = `SELECT array_agg(l) AS its_ended FROM ${names.of("kick_logins")}(${parameters(11)}) l`;
  return {
    add: statement(`SELECT ${ADDED_COLUMNS}, ${loginColumns("l")} FROM ${step("begin_login", 18, 16)} ${ENDED}`),
    adopt: statement(`SELECT ${ADDED_COLUMNS}, ${loginColumns("l")} FROM ${step("continue_login", 22, 16)} ${ENDED}`),
    update: statement(
      `SELECT r.is_listed::text AS listed, ${loginColumns("l")} FROM ${step("change_login", 14, 12)} ${ENDED}`,
    ),
    remove: statement(
      `SELECT ${loginColumns("(r.its_login)")}, r.its_ends::text AS ends
       FROM (SELECT r.*${one} FROM ${names.of("end_login")}(${parameters(12)}) r) r`,
    ),
    removeAll: statement(
      `SELECT ${loginColumns("l")} FROM (SELECT r.its_ended${all} FROM (${ends}) r) r CROSS JOIN LATERAL unnest(r.its_ended) l`,
    ),
    finishKick: statement(`SELECT ${names.of("settle")}(${parameters(3)})`),
    kickEveryone: statement(`SELECT ${names.of("mark_all")}(${parameters(4)})`),
    forget: statement(`SELECT ${names.of("forget_logins")}(${parameters(3)})`),
    notify: statement("SELECT pg_notify($1, '')"),
    sweep: statement(`SELECT ${names.of("sweep")}(${parameters(3)})::text AS swept`),
  };
}

function historyOf(names: Names): Pick<Statements, HistoryStatementName> {
  const history = names.of("history");
  return {
    keepEntry: statement(`SELECT ${names.of("keep_entry")}(${parameters(7)})`),
    listHistory: statement(
      `SELECT ${HISTORY_COLUMNS} FROM ${history} WHERE app = $1 AND number < $2 ORDER BY ${history}.number DESC LIMIT $3`,
    ),
    listHistoryOf: statement(
      `SELECT ${HISTORY_COLUMNS} FROM ${history} WHERE app = $1 AND user_key IN ($4, $5) AND number < $2
       ORDER BY ${history}.number DESC LIMIT $3`,
    ),
    trimHistory: statement(`SELECT ${names.of("trim_history")}(${parameters(4)})`),
  };
}

/** External keys. A row is read in the order of its index, so that it is read once. */
function keysOf(names: Names): Pick<Statements, KeyStatementName> {
  return {
    bindKey: statement(`SELECT ${names.of("bind_key")}(${parameters(8)}) AS its_mark`),
    markKey: statement(`SELECT ${names.of("mark_key")}(${parameters(6)})`),
    boundRows: statement(
      `SELECT encode(b.login, 'hex') AS login, user_id, id, since::text FROM ${names.of("bound")} b
       WHERE key = $1 AND b.login > decode($2, 'hex') AND until > now() ORDER BY b.login LIMIT $3`,
    ),
    dropBound: statement(`SELECT ${names.of("drop_bound")}(${parameters(4)})`),
    sweepKeys: statement(`SELECT ${names.of("sweep_keys")}(${parameters(3)})::text AS swept`),
  };
}

/** Returns the condition for a login that has neither expired nor is over. */
function isLive(from: string): string {
  return `${from}.expires > now() AND coalesce(${overAt(from)} > now(), true)`;
}

/** Returns the condition for a login that lists show. A login that is shown has not expired. */
function isShown(from: string): string {
  return `${shownUntil(from)} > now() AND cardinality(${from}.sids) > 0`;
}

function parameters(count: number): string {
  return Array.from({ length: count }, (_value, index) => `$${String(index + 1)}`).join(", ");
}
