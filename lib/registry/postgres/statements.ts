import { LOGINS_PER_USER } from "../../util/limits.js";
import { statement, type Statement } from "./database.js";
import type { Names } from "./names.js";
import { loginColumns, shownUntil } from "./records.js";

type StatementName =
  | "find"
  | "list"
  | "kickOf"
  | "activeCount"
  | "activePage"
  | "users"
  | "add"
  | "adopt"
  | "update"
  | "remove"
  | "removeAll"
  | "finishKick"
  | "kickEveryone"
  | "forget"
  | "notify"
  | "sweep"
  | "health";

export type Statements = Readonly<Record<StatementName, Statement>>;

/** The users that pages show. A process of 0.1 that ends a user's last login leaves `shown` as it was. */
const IS_ACTIVE = "app = $1 AND shown > now() AND expires > now()";
const GENERATION_COLUMNS = "is_listed::text AS listed, its_user_mark, its_app_mark";

/** Returns the statements. Reads are single statements, so each sees one snapshot; writes are functions, see `sql/`. */
export function statementsOf(names: Names): Statements {
  const [apps, users, logins, kicked, ended] = ["apps", "users", "logins", "kicked", "ended"].map((name) =>
    names.of(name),
  ) as [string, string, string, string, string];
  return {
    find: statement(`SELECT ${loginColumns("l")} FROM ${logins} l WHERE key = $1 AND expires > now()`),
    // An empty page has one row too, for the count.
    list: statement(
      `SELECT c.count::text AS total, ${loginColumns("l")}
       FROM (SELECT count(*) FROM ${logins} s WHERE user_key = $1 AND ${isShown("s")}) c
       LEFT JOIN LATERAL (SELECT * FROM ${logins} s WHERE user_key = $1 AND ${isShown("s")}
         ORDER BY began DESC, key LIMIT $3 OFFSET $2) l ON true
       ORDER BY l.began DESC, l.key`,
    ),
    kickOf: statement(
      `SELECT (SELECT mark FROM ${ended} WHERE key = $3 AND until > now()) AS login_mark,
         (SELECT mark FROM ${users} WHERE app = $1 AND key = $2 AND mark_until > now()
           AND spared IS DISTINCT FROM $3) AS user_mark,
         (SELECT mark FROM ${apps} WHERE app = $1) AS app_mark`,
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
    add: statement(`SELECT ${GENERATION_COLUMNS} FROM ${names.of("add_login")}(${parameters(11)})`),
    adopt: statement(`SELECT ${GENERATION_COLUMNS} FROM ${names.of("adopt_login")}(${parameters(15)})`),
    update: statement(`SELECT ${names.of("update_login")}(${parameters(9)})::text AS listed`),
    remove: statement(
      `SELECT ${loginColumns("(r.its_login)")}, r.its_ends::text AS ends FROM ${names.of("remove_login")}(${parameters(12)}) r`,
    ),
    removeAll: statement(`SELECT ${loginColumns("l")} FROM ${names.of("remove_logins")}(${parameters(10)}) l`),
    finishKick: statement(`SELECT ${names.of("settle")}(${parameters(3)})`),
    kickEveryone: statement(`SELECT ${names.of("mark_all")}(${parameters(4)})`),
    forget: statement(`SELECT ${names.of("forget_logins")}(${parameters(3)})`),
    notify: statement("SELECT pg_notify($1, '')"),
    sweep: statement(`SELECT ${names.of("sweep")}(${parameters(3)})::text AS swept`),
    // Reads the table that requests read.
    health: statement(
      `SELECT (extract(epoch FROM clock_timestamp()) * 1000)::text AS now
       FROM (SELECT count(*) FROM (SELECT 1 FROM ${logins} LIMIT 1) l) readable`,
    ),
  };
}

/** Returns the condition for a login that lists show. A login that is shown has not expired. */
function isShown(from: string): string {
  return `${shownUntil(from)} > now() AND cardinality(${from}.sids) > 0`;
}

function parameters(count: number): string {
  return Array.from({ length: count }, (_value, index) => `$${String(index + 1)}`).join(", ");
}
