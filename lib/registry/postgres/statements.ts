import { LOGINS_PER_USER } from "../../util/limits.js";
import { statement, type Statement } from "./database.js";
import type { Names } from "./names.js";
import { loginColumns, overAt, shownUntil } from "./records.js";

type StatementName =
  "find" | "list" | "scanLogins" | "kickOf" | "activeCount" | "activePage" | "users" | "health" | StepName;

type StepName =
  "add" | "adopt" | "update" | "remove" | "removeAll" | "finishKick" | "kickEveryone" | "forget" | "notify" | "sweep";

export type Statements = Readonly<Record<StatementName, Statement>>;

/** The users that pages show. A process of 0.1 that ends a user's last login leaves `shown` as it was. */
const IS_ACTIVE = "app = $1 AND shown > now() AND expires > now()";
const ADDED_COLUMNS = "r.is_listed::text AS listed, r.is_full::text AS full, r.its_user_mark, r.its_app_mark";
/** One row for each login that a limit has ended; one without a login if there is none. */
const ENDED = "r LEFT JOIN LATERAL unnest(r.its_ended) l ON true";

/** Returns the statements. Reads are single statements, so each sees one snapshot; writes are functions, see `sql/`. */
export function statementsOf(names: Names): Statements {
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
    ...stepsOf(names),
  };
}

/** Writes: functions, see `sql/`. */
function stepsOf(names: Names): Pick<Statements, StepName> {
  return {
    add: statement(
      `SELECT ${ADDED_COLUMNS}, ${loginColumns("l")} FROM ${names.of("begin_login")}(${parameters(18)}) ${ENDED}`,
    ),
    adopt: statement(
      `SELECT ${ADDED_COLUMNS}, ${loginColumns("l")} FROM ${names.of("continue_login")}(${parameters(22)}) ${ENDED}`,
    ),
    update: statement(
      `SELECT r.is_listed::text AS listed, ${loginColumns("l")} FROM ${names.of("change_login")}(${parameters(14)}) ${ENDED}`,
    ),
    remove: statement(
      `SELECT ${loginColumns("(r.its_login)")}, r.its_ends::text AS ends FROM ${names.of("end_login")}(${parameters(12)}) r`,
    ),
    removeAll: statement(`SELECT ${loginColumns("l")} FROM ${names.of("kick_logins")}(${parameters(11)}) l`),
    finishKick: statement(`SELECT ${names.of("settle")}(${parameters(3)})`),
    kickEveryone: statement(`SELECT ${names.of("mark_all")}(${parameters(4)})`),
    forget: statement(`SELECT ${names.of("forget_logins")}(${parameters(3)})`),
    notify: statement("SELECT pg_notify($1, '')"),
    sweep: statement(`SELECT ${names.of("sweep")}(${parameters(3)})::text AS swept`),
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
