import { CLOCK_MARGIN_MS } from "../../util/clock-margin.js";
import { quoted, type Names } from "./names.js";

/** The SQLSTATE of a step that refuses its isolation level, in which it would not see rows committed while it waited. */
export const WRONG_ISOLATION = "EL001";

/** The payload of NOTIFY is shorter than 8,000 bytes. */
const MAX_PAYLOAD_BYTES = 7_999;

/**
 * Returns the SQL that creates the tables, indexes and functions. Every statement can be repeated. Sent as one message, they are
 * one transaction with a lock, so one process at a time runs them. If everything exists, they lock no table, and steps continue.
 *
 * Why each step is atomic: a step is one function, so one transaction, and it first takes an advisory lock of its user, held
 * until the end of the transaction. In READ COMMITTED, every statement of a function sees the rows that were committed before
 * that statement. So the statements after the lock see every earlier step on that user, and no other step on that user runs.
 *
 * `add` and `adopt` also share a lock of the application, which a kick of everyone takes exclusively. So a login is either listed
 * before the kick record is written, and found by the scan of users that follows; or listed after it, and has its generation.
 * Locks are always taken in the order application, user, so that there is no deadlock.
 */
export function migrationOf(names: Names): string {
  const [apps, users, logins, kicked, ended] = ["apps", "users", "logins", "kicked", "ended"].map((name) =>
    names.of(name),
  ) as [string, string, string, string, string];
  const [inTime, lockApp, lockUser, dropExpired, list, show, kickCounts, announce] = [
    "in_time",
    "lock_app",
    "lock_user",
    "drop_expired",
    "list",
    "show",
    "kick_counts",
    "announce",
  ].map((name) => names.of(name)) as [string, string, string, string, string, string, string, string];

  return `SELECT pg_advisory_xact_lock(hashtextextended('express-logout migration', 0));

-- The last kick of everyone. \`mark\`: the kick record in JSON, here and below. Texts are escaped as in JSON strings.
CREATE TABLE IF NOT EXISTS ${apps} (
  app text PRIMARY KEY,
  mark_id text,
  mark text
);

-- A user who is online or of whom something is remembered. \`expires\`: expiry of the user's last login, null without logins.
-- \`until\`: when the row can be deleted. \`spared\`: key of the login to which the kick in \`mark\` does not apply. \`shown\`: the
-- latest \`shown_until\` of the logins with a session id.
CREATE TABLE IF NOT EXISTS ${users} (
  app text NOT NULL,
  key bytea NOT NULL,
  user_id text NOT NULL,
  active timestamptz,
  expires timestamptz,
  mark_id text,
  mark text,
  mark_until timestamptz,
  spared bytea,
  until timestamptz NOT NULL,
  shown timestamptz,
  PRIMARY KEY (app, key)
);
${indexOn(users, names.index("users_until"), "(app, until)")}

-- The live logins. \`key\`: digest of application, user and login. \`user_key\`: digest of application and user.
CREATE TABLE IF NOT EXISTS ${logins} (
  key bytea PRIMARY KEY,
  user_key bytea NOT NULL,
  id text NOT NULL,
  began timestamptz NOT NULL,
  last_active timestamptz NOT NULL,
  expires timestamptz NOT NULL,
  ip text,
  user_agent text,
  sids text[] NOT NULL,
  shown_until timestamptz NOT NULL
);

-- The logins of kicks that are not finished.
CREATE TABLE IF NOT EXISTS ${kicked} (LIKE ${logins} INCLUDING ALL);
${indexOn(kicked, names.index("kicked_user"), "(user_key)")}

-- Upgrades tables of a version without \`shown\` and \`shown_until\`, in which a login was shown for as long as it was listed.
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = ${literal(users)}::regclass AND attname = 'shown'
    AND NOT attisdropped)
  THEN
    LOCK TABLE ${logins}, ${kicked}, ${users} IN ACCESS EXCLUSIVE MODE;
    ALTER TABLE ${logins} ADD COLUMN IF NOT EXISTS shown_until timestamptz;
    ALTER TABLE ${kicked} ADD COLUMN IF NOT EXISTS shown_until timestamptz;
    ALTER TABLE ${users} ADD COLUMN IF NOT EXISTS shown timestamptz;
    UPDATE ${logins} SET shown_until = expires;
    UPDATE ${kicked} SET shown_until = expires;
    UPDATE ${users} u SET shown = (SELECT max(shown_until) FROM ${logins} WHERE user_key = u.key AND cardinality(sids) > 0)
      WHERE u.expires IS NOT NULL;
    ALTER TABLE ${logins} ALTER COLUMN shown_until SET NOT NULL;
    ALTER TABLE ${kicked} ALTER COLUMN shown_until SET NOT NULL;
    DROP INDEX IF EXISTS ${names.of("users_active")}, ${names.of("logins_user")};
  END IF;
END $$;
${indexOn(users, names.index("users_shown"), "(app, active DESC, key) INCLUDE (shown)")}
${indexOn(logins, names.index("logins_began"), "(user_key, began DESC, key)")}

-- How often, and by which kick, single logins have been ended.
CREATE TABLE IF NOT EXISTS ${ended} (
  key bytea PRIMARY KEY,
  user_key bytea NOT NULL,
  ends integer NOT NULL,
  mark text,
  until timestamptz NOT NULL
);
${indexOn(ended, names.index("ended_user"), "(user_key)")}

-- Aborts a step after its deadline, by the server's clock in epoch milliseconds: a call that timed out must not take effect
-- later. Also limits the wait for locks.
CREATE OR REPLACE FUNCTION ${inTime}(the_deadline double precision) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF extract(epoch FROM clock_timestamp()) * 1000 > the_deadline THEN
    RAISE EXCEPTION 'deadline exceeded' USING ERRCODE = 'query_canceled';
  END IF;
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'not in READ COMMITTED' USING ERRCODE = '${WRONG_ISOLATION}';
  END IF;
  PERFORM set_config('lock_timeout',
    ceil(greatest(the_deadline - extract(epoch FROM clock_timestamp()) * 1000, 1))::bigint || 'ms', true);
END $$;

CREATE OR REPLACE FUNCTION ${lockApp}(the_deadline double precision, the_app text, is_alone boolean)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM ${inTime}(the_deadline);
  IF is_alone THEN PERFORM pg_advisory_xact_lock(hashtextextended(the_app, 1));
  ELSE PERFORM pg_advisory_xact_lock_shared(hashtextextended(the_app, 1));
  END IF;
END $$;

CREATE OR REPLACE FUNCTION ${lockUser}(the_deadline double precision, the_user bytea) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM ${inTime}(the_deadline);
  PERFORM pg_advisory_xact_lock(hashtextextended(encode(the_user, 'hex'), 2));
END $$;

CREATE OR REPLACE FUNCTION ${dropExpired}(the_user bytea) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM ${logins} WHERE user_key = the_user AND expires <= clock_timestamp();
  DELETE FROM ${kicked} WHERE user_key = the_user AND expires <= clock_timestamp();
  DELETE FROM ${ended} WHERE user_key = the_user AND until <= clock_timestamp();
END $$;

CREATE OR REPLACE FUNCTION ${list}(the_app text, the_user bytea, the_user_id text, the_login bytea, the_id text,
  the_sid text, the_ttl double precision, the_ip text, the_agent text, the_beginning double precision)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  at timestamptz := clock_timestamp();
  ends_at timestamptz := at + the_ttl * interval '1 millisecond';
BEGIN
  INSERT INTO ${logins} VALUES (the_login, the_user, the_id, coalesce(to_timestamp(the_beginning / 1000), at), at, ends_at,
    the_ip, the_agent, ARRAY[the_sid], ends_at)
  ON CONFLICT (key) DO UPDATE SET began = excluded.began, last_active = excluded.last_active, expires = excluded.expires,
    ip = excluded.ip, user_agent = excluded.user_agent, sids = excluded.sids, shown_until = excluded.shown_until;
  INSERT INTO ${users} AS u (app, key, user_id, active, expires, until, shown)
  VALUES (the_app, the_user, the_user_id, at, ends_at, ends_at, ends_at)
  ON CONFLICT (app, key) DO UPDATE SET active = at, expires = greatest(u.expires, ends_at), until = greatest(u.until, ends_at),
    shown = greatest(u.shown, ends_at);
END $$;

-- Updates \`shown\` of a user when a login that was shown until \`was\` is now shown until \`is_now\`; null: not shown. Reads all
-- logins of the user only if the latest time may have become earlier.
CREATE OR REPLACE FUNCTION ${show}(the_app text, the_user bytea, was timestamptz, is_now timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF was IS NOT DISTINCT FROM is_now THEN RETURN; END IF;
  UPDATE ${users} SET shown = CASE
    WHEN shown IS NULL OR is_now >= shown THEN is_now
    WHEN was >= shown THEN (SELECT max(shown_until) FROM ${logins} WHERE user_key = the_user AND cardinality(sids) > 0)
    ELSE shown
  END WHERE app = the_app AND key = the_user;
END $$;

-- Returns whether a kick counts for a user who authenticated at a time, in epoch milliseconds; null: unknown. A kick at least a
-- minute older does not. The time of the kick is cut from the text, because PostgreSQL cannot parse every text in it as JSON.
CREATE OR REPLACE FUNCTION ${kickCounts}(the_mark text, the_authentication double precision)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(substring(the_mark FROM '^\\{"id":".*","at":(-?[0-9]+)[,}]')::double precision
    + ${String(CLOCK_MARGIN_MS)} > the_authentication, true)
$$;

-- Notifies the channel of ended logins: a line with user and kick, then a line for each login, in as many messages as needed.
-- An id that does not fit in a message is replaced by the message '', after which subscribers look up the logins they watch.
CREATE OR REPLACE FUNCTION ${announce}(the_channel text, the_head text, the_ids text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  each_id text;
  message text := the_head;
BEGIN
  FOREACH each_id IN ARRAY the_ids LOOP
    IF octet_length(the_head) + 1 + octet_length(each_id) > ${String(MAX_PAYLOAD_BYTES)} THEN
      PERFORM pg_notify(the_channel, '');
      CONTINUE;
    END IF;
    IF octet_length(message) + 1 + octet_length(each_id) > ${String(MAX_PAYLOAD_BYTES)} THEN
      PERFORM pg_notify(the_channel, message);
      message := the_head;
    END IF;
    message := message || E'\\n' || each_id;
  END LOOP;
  IF message <> the_head THEN PERFORM pg_notify(the_channel, message); END IF;
END $$;

CREATE OR REPLACE FUNCTION ${names.of("add_login")}(the_deadline double precision, the_app text, the_user bytea, the_user_id text,
  the_login bytea, the_id text, the_sid text, the_ttl double precision, the_ip text, the_agent text,
  the_beginning double precision, OUT is_listed boolean, OUT its_user_mark text, OUT its_app_mark text)
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM ${lockApp}(the_deadline, the_app, false);
  PERFORM ${lockUser}(the_deadline, the_user);
  PERFORM ${dropExpired}(the_user);
  is_listed := NOT EXISTS (SELECT FROM ${ended} WHERE key = the_login);
  IF NOT is_listed THEN RETURN; END IF;
  PERFORM ${list}(the_app, the_user, the_user_id, the_login, the_id, the_sid, the_ttl, the_ip, the_agent, the_beginning);
  SELECT mark_id INTO its_user_mark FROM ${users} WHERE app = the_app AND key = the_user AND mark_until > clock_timestamp();
  SELECT mark_id INTO its_app_mark FROM ${apps} WHERE app = the_app;
  PERFORM ${inTime}(the_deadline);
END $$;

CREATE OR REPLACE FUNCTION ${names.of("adopt")}(the_deadline double precision, the_app text, the_user bytea,
  the_user_id text, the_login bytea, the_id text, the_sid text, the_ttl double precision, the_ip text, the_agent text,
  the_beginning double precision, the_user_mark text, the_app_mark text, the_ends integer,
  the_authentication double precision, OUT is_listed boolean, OUT its_user_mark text, OUT its_app_mark text)
LANGUAGE plpgsql AS $$
DECLARE
  at timestamptz;
  ends_at timestamptz;
  login ${logins};
BEGIN
  PERFORM ${lockApp}(the_deadline, the_app, false);
  PERFORM ${lockUser}(the_deadline, the_user);
  PERFORM ${dropExpired}(the_user);
  at := clock_timestamp();
  is_listed := false;
  IF EXISTS (SELECT FROM ${users} WHERE app = the_app AND key = the_user AND mark_until > clock_timestamp()
      AND mark_id <> the_user_mark AND spared IS DISTINCT FROM the_login AND ${kickCounts}(mark, the_authentication))
    OR EXISTS (SELECT FROM ${apps} WHERE app = the_app AND mark_id <> the_app_mark
      AND ${kickCounts}(mark, the_authentication))
    OR coalesce((SELECT ends FROM ${ended} WHERE key = the_login), 0) <> the_ends
  THEN RETURN; END IF;
  SELECT * INTO login FROM ${logins} WHERE key = the_login;
  IF FOUND THEN
    IF the_sid <> ALL (login.sids) THEN is_listed := NULL; RETURN; END IF;
    ends_at := at + the_ttl * interval '1 millisecond';
    UPDATE ${logins} SET last_active = at, expires = greatest(expires, ends_at), shown_until = ends_at WHERE key = the_login;
    UPDATE ${users} SET active = at, expires = greatest(expires, ends_at), until = greatest(until, ends_at)
      WHERE app = the_app AND key = the_user;
    PERFORM ${show}(the_app, the_user, login.shown_until, ends_at);
  ELSE
    PERFORM ${list}(the_app, the_user, the_user_id, the_login, the_id, the_sid, the_ttl, the_ip, the_agent, the_beginning);
  END IF;
  is_listed := true;
  SELECT mark_id INTO its_user_mark FROM ${users} WHERE app = the_app AND key = the_user AND mark_until > clock_timestamp();
  SELECT mark_id INTO its_app_mark FROM ${apps} WHERE app = the_app;
  PERFORM ${inTime}(the_deadline);
END $$;

CREATE OR REPLACE FUNCTION ${names.of("update")}(the_deadline double precision, the_app text, the_user bytea,
  the_login bytea, the_new_sid text, the_old_sid text, the_ttl double precision, the_ip text, the_agent text)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  at timestamptz;
  ends_at timestamptz;
  was timestamptz;
  login ${logins};
BEGIN
  PERFORM ${lockUser}(the_deadline, the_user);
  at := clock_timestamp();
  SELECT * INTO login FROM ${logins} WHERE key = the_login AND expires > at;
  IF NOT FOUND THEN RETURN false; END IF;
  was := CASE WHEN cardinality(login.sids) > 0 THEN login.shown_until END;
  IF the_old_sid IS NOT NULL THEN login.sids := array_remove(login.sids, the_old_sid); END IF;
  IF the_new_sid IS NOT NULL AND the_new_sid <> ALL (login.sids) THEN login.sids := login.sids || the_new_sid; END IF;
  IF login.ip IS NULL AND login.user_agent IS NULL THEN login.ip := the_ip; login.user_agent := the_agent; END IF;
  IF the_ttl IS NOT NULL THEN
    ends_at := at + the_ttl * interval '1 millisecond';
    login.last_active := at;
    login.expires := greatest(login.expires, ends_at);
    login.shown_until := ends_at;
    UPDATE ${users} SET active = at, expires = greatest(expires, ends_at), until = greatest(until, ends_at)
    WHERE app = the_app AND key = the_user;
  END IF;
  UPDATE ${logins} SET last_active = login.last_active, expires = login.expires, ip = login.ip,
    user_agent = login.user_agent, sids = login.sids, shown_until = login.shown_until WHERE key = the_login;
  PERFORM ${show}(the_app, the_user, was, CASE WHEN cardinality(login.sids) > 0 THEN login.shown_until END);
  PERFORM ${inTime}(the_deadline);
  RETURN true;
END $$;

-- \`the_end_ttl\`: how long the end of a listed login is remembered, null: not at all. \`the_unlisted_ttl\`: the same for a login
-- that is not listed. \`the_sid\`: ends the login only if it has this session id; null: no condition. \`is_last\`: only if it has no
-- other session id; otherwise removes just this one.
CREATE OR REPLACE FUNCTION ${names.of("remove")}(the_deadline double precision, the_app text, the_user bytea,
  the_user_id text, the_login bytea, the_mark text, the_end_ttl double precision, the_unlisted_ttl double precision,
  the_channel text, the_head text, the_sid text, is_last boolean, OUT its_login ${logins}, OUT its_ends integer)
LANGUAGE plpgsql AS $$
DECLARE
  is_listed boolean;
  ends_until timestamptz;
BEGIN
  PERFORM ${lockUser}(the_deadline, the_user);
  PERFORM ${dropExpired}(the_user);
  SELECT ends INTO its_ends FROM ${ended} WHERE key = the_login;
  its_ends := coalesce(its_ends, 0);
  IF the_sid IS NOT NULL AND NOT EXISTS (SELECT FROM ${logins} WHERE key = the_login AND the_sid = ANY (sids)
    AND NOT (is_last AND cardinality(sids) > 1))
  THEN
    IF is_last THEN
      UPDATE ${logins} SET sids = array_remove(sids, the_sid) WHERE key = the_login AND the_sid = ANY (sids);
    END IF;
    PERFORM ${inTime}(the_deadline);
    RETURN;
  END IF;
  DELETE FROM ${logins} WHERE key = the_login RETURNING * INTO its_login;
  is_listed := FOUND;
  IF is_listed THEN
    UPDATE ${users} SET (expires, shown) = (
      SELECT max(expires), max(shown_until) FILTER (WHERE cardinality(sids) > 0) FROM ${logins} WHERE user_key = the_user)
    WHERE app = the_app AND key = the_user;
    PERFORM ${announce}(the_channel, the_head, ARRAY[its_login.id]);
  END IF;
  IF the_mark IS NOT NULL AND is_listed THEN
    DELETE FROM ${kicked} WHERE key = the_login;
    INSERT INTO ${kicked} SELECT its_login.*;
  ELSIF the_mark IS NOT NULL THEN
    SELECT * INTO its_login FROM ${kicked} WHERE key = the_login;
  END IF;
  IF NOT is_listed THEN the_end_ttl := the_unlisted_ttl; END IF;
  IF the_end_ttl IS NOT NULL THEN
    its_ends := its_ends + 1;
    ends_until := clock_timestamp() + the_end_ttl * interval '1 millisecond';
    INSERT INTO ${ended} AS e VALUES (the_login, the_user, its_ends, the_mark, ends_until)
    ON CONFLICT (key) DO UPDATE SET ends = excluded.ends, mark = coalesce(excluded.mark, e.mark),
      until = greatest(e.until, excluded.until);
    INSERT INTO ${users} AS u (app, key, user_id, until) VALUES (the_app, the_user, the_user_id, ends_until)
    ON CONFLICT (app, key) DO UPDATE SET until = greatest(u.until, ends_until);
  END IF;
  PERFORM ${inTime}(the_deadline);
END $$;

CREATE OR REPLACE FUNCTION ${names.of("remove_all")}(the_deadline double precision, the_app text, the_user bytea,
  the_user_id text, the_mark_id text, the_mark text, the_mark_ttl double precision, the_channel text, the_head text,
  the_exception bytea)
RETURNS SETOF ${logins} LANGUAGE plpgsql AS $$
DECLARE
  ends_until timestamptz;
  spared_login bytea;
  spared_until timestamptz;
  spared_shown timestamptz;
BEGIN
  PERFORM ${lockUser}(the_deadline, the_user);
  PERFORM ${dropExpired}(the_user);
  SELECT key, expires, CASE WHEN cardinality(sids) > 0 THEN shown_until END INTO spared_login, spared_until, spared_shown
    FROM ${logins} WHERE key = the_exception;
  PERFORM ${announce}(the_channel, the_head, ARRAY(
    SELECT id FROM ${logins} WHERE user_key = the_user AND key IS DISTINCT FROM spared_login));
  DELETE FROM ${kicked} WHERE key IN (SELECT key FROM ${logins} WHERE user_key = the_user);
  INSERT INTO ${kicked} SELECT * FROM ${logins} WHERE user_key = the_user AND key IS DISTINCT FROM spared_login;
  DELETE FROM ${logins} WHERE user_key = the_user AND key IS DISTINCT FROM spared_login;
  ends_until := clock_timestamp() + the_mark_ttl * interval '1 millisecond';
  INSERT INTO ${users} AS u (app, key, user_id, mark_id, mark, mark_until, spared, until)
  VALUES (the_app, the_user, the_user_id, the_mark_id, the_mark, ends_until, spared_login, ends_until)
  ON CONFLICT (app, key) DO UPDATE SET expires = spared_until, shown = spared_shown, mark_id = the_mark_id, mark = the_mark,
    mark_until = ends_until, spared = spared_login, until = greatest(u.until, ends_until);
  RETURN QUERY SELECT * FROM ${kicked} WHERE user_key = the_user;
  PERFORM ${inTime}(the_deadline);
END $$;

CREATE OR REPLACE FUNCTION ${names.of("settle")}(the_deadline double precision, the_user bytea, the_logins bytea[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM ${lockUser}(the_deadline, the_user);
  DELETE FROM ${kicked} WHERE key = ANY (the_logins);
  PERFORM ${inTime}(the_deadline);
END $$;

CREATE OR REPLACE FUNCTION ${names.of("mark_all")}(the_deadline double precision, the_app text, the_mark_id text,
  the_mark text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM ${lockApp}(the_deadline, the_app, true);
  INSERT INTO ${apps} VALUES (the_app, the_mark_id, the_mark)
  ON CONFLICT (app) DO UPDATE SET mark_id = the_mark_id, mark = the_mark;
  PERFORM ${inTime}(the_deadline);
END $$;

CREATE OR REPLACE FUNCTION ${names.of("forget")}(the_deadline double precision, the_app text, the_user bytea)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM ${lockUser}(the_deadline, the_user);
  DELETE FROM ${logins} WHERE user_key = the_user;
  DELETE FROM ${kicked} WHERE user_key = the_user;
  UPDATE ${users} SET expires = NULL, shown = NULL WHERE app = the_app AND key = the_user;
  PERFORM ${inTime}(the_deadline);
END $$;

-- Deletes users of whom nothing needs to be kept, except those on whom a step is running. Searches by \`now()\`, which is constant
-- in a transaction, so that the index can be used.
CREATE OR REPLACE FUNCTION ${names.of("sweep")}(the_deadline double precision, the_app text, most integer)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  the_user bytea;
  swept integer := 0;
BEGIN
  PERFORM ${inTime}(the_deadline);
  FOR the_user IN
    SELECT key FROM ${users} WHERE app = the_app AND until <= now() LIMIT most
  LOOP
    CONTINUE WHEN NOT pg_try_advisory_xact_lock(hashtextextended(encode(the_user, 'hex'), 2));
    DELETE FROM ${users} WHERE app = the_app AND key = the_user AND until <= clock_timestamp();
    CONTINUE WHEN NOT FOUND;
    PERFORM ${dropExpired}(the_user);
    swept := swept + 1;
  END LOOP;
  PERFORM ${inTime}(the_deadline);
  RETURN swept;
END $$;
`;
}

/**
 * Creates an index if it does not exist. `CREATE INDEX IF NOT EXISTS` locks the table before it checks, which could deadlock with
 * steps, so this checks first. `IF NOT EXISTS` is for isolation levels that do not see an index just created by another process.
 */
function indexOn(table: string, index: string, columns: string): string {
  return `DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE indrelid = ${literal(table)}::regclass AND relname = ${literal(index)})
  THEN CREATE INDEX IF NOT EXISTS ${quoted(index)} ON ${table} ${columns}; END IF;
END $$;`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
