import { statement, type Statement } from "./database.js";
import type { Names } from "./names.js";
import { loginColumns } from "./records.js";

type StatementName =
  | "find"
  | "list"
  | "kickMark"
  | "activeCount"
  | "activePage"
  | "users"
  | "add"
  | "adopt"
  | "update"
  | "remove"
  | "removeAll"
  | "settle"
  | "markAll"
  | "forget"
  | "tell"
  | "sweep";

export type Statements = Readonly<Record<StatementName, Statement>>;

/** The reads are single statements, each of which sees one moment; the steps are functions, see `schema.ts`. */
export function statementsOf(names: Names): Statements {
  const [apps, users, logins, kicked, ended] = ["apps", "users", "logins", "kicked", "ended"].map((name) =>
    names.of(name),
  ) as [string, string, string, string, string];
  return {
    find: statement(`SELECT ${loginColumns("l")} FROM ${logins} l WHERE key = $1 AND expires > now()`),
    list: statement(
      `SELECT ${loginColumns("l")} FROM ${logins} l
       WHERE user_key = $1 AND l.expires > now() AND cardinality(l.sids) > 0 ORDER BY l.began DESC`,
    ),
    kickMark: statement(
      `SELECT (SELECT mark FROM ${ended} WHERE key = $3 AND until > now()) AS login_mark,
         (SELECT mark FROM ${users} WHERE app = $1 AND key = $2 AND mark_until > now()
           AND spared IS DISTINCT FROM $3) AS user_mark,
         (SELECT mark FROM ${apps} WHERE app = $1) AS app_mark`,
    ),
    activeCount: statement(`SELECT count(*)::text AS count FROM ${users} WHERE app = $1 AND expires > now()`),
    activePage: statement(
      `SELECT u.user_id, ${loginColumns("l")}
       FROM (SELECT key, user_id, active FROM ${users} WHERE app = $1 AND expires > now()
         ORDER BY active DESC, key LIMIT $3 OFFSET $2) u
       JOIN ${logins} l ON l.user_key = u.key AND l.expires > now() AND cardinality(l.sids) > 0
       ORDER BY u.active DESC, u.key, l.began DESC`,
    ),
    // Two looks, each by an index of its own: with one condition for both every user would be looked at.
    users: statement(
      `SELECT user_id, encode(online.key, 'hex') AS key FROM (
         (SELECT u.user_id, u.key FROM ${users} u
          WHERE u.app = $1 AND u.key > decode($2, 'hex') AND u.expires IS NOT NULL ORDER BY u.key LIMIT $3)
         UNION
         (SELECT u.user_id, u.key FROM (SELECT DISTINCT user_key FROM ${kicked} WHERE user_key > decode($2, 'hex')) k
          JOIN ${users} u ON u.app = $1 AND u.key = k.user_key ORDER BY u.key LIMIT $3)
       ) online ORDER BY online.key LIMIT $3`,
    ),
    add: statement(`SELECT * FROM ${names.of("add")}(${parameters(11)})`),
    adopt: statement(`SELECT ${names.of("adopt")}(${parameters(14)})::text AS listed`),
    update: statement(`SELECT ${names.of("update")}(${parameters(9)})::text AS listed`),
    remove: statement(
      `SELECT ${loginColumns("(r.its_login)")}, r.its_ends::text AS ends FROM ${names.of("remove")}(${parameters(10)}) r`,
    ),
    removeAll: statement(`SELECT ${loginColumns("l")} FROM ${names.of("remove_all")}(${parameters(10)}) l`),
    settle: statement(`SELECT ${names.of("settle")}(${parameters(3)})`),
    markAll: statement(`SELECT ${names.of("mark_all")}(${parameters(4)})`),
    forget: statement(`SELECT ${names.of("forget")}(${parameters(3)})`),
    tell: statement("SELECT pg_notify($1, '')"),
    sweep: statement(`SELECT ${names.of("sweep")}(${parameters(3)})::text AS swept`),
  };
}

function parameters(count: number): string {
  return Array.from({ length: count }, (_value, index) => `$${String(index + 1)}`).join(", ");
}
