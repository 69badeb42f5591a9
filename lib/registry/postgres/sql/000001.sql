-- The schema of 0.1.
--
-- Why each step is atomic: a step is one function, so one transaction, and it first takes an advisory lock of its user, held until
-- the end of the transaction. In READ COMMITTED, every statement of a function sees the rows that were committed before that
-- statement. So the statements after the lock see every earlier step on that user, and no other step on that user runs.
--
-- Steps that list a login also share a lock of the application, which a kick of everyone takes exclusively. So a login is either
-- listed before the kick record is written, and found by the scan of users that follows; or listed after it, and has its
-- generation. Locks are always taken in the order application, user, so that there is no deadlock.

-- The last kick of everyone. `mark`: the kick record in JSON, here and below. Texts are escaped as in JSON strings.
CREATE TABLE express_logout_apps (
  app text PRIMARY KEY,
  mark_id text,
  mark text
);

-- A user who is online or of whom something is remembered. `expires`: expiry of the user's last login, null without logins.
-- `until`: when the row can be deleted. `spared`: key of the login to which the kick in `mark` does not apply.
CREATE TABLE express_logout_users (
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
  PRIMARY KEY (app, key)
);
CREATE INDEX express_logout_users_active ON express_logout_users (app, active DESC, key) INCLUDE (expires);
CREATE INDEX express_logout_users_until ON express_logout_users (app, until);

-- The live logins. `key`: digest of application, user and login. `user_key`: digest of application and user.
CREATE TABLE express_logout_logins (
  key bytea PRIMARY KEY,
  user_key bytea NOT NULL,
  id text NOT NULL,
  began timestamptz NOT NULL,
  last_active timestamptz NOT NULL,
  expires timestamptz NOT NULL,
  ip text,
  user_agent text,
  sids text[] NOT NULL
);
CREATE INDEX express_logout_logins_user ON express_logout_logins (user_key);

-- The logins of kicks that are not finished.
CREATE TABLE express_logout_kicked (LIKE express_logout_logins INCLUDING ALL);

-- How often, and by which kick, single logins have been ended.
CREATE TABLE express_logout_ended (
  key bytea PRIMARY KEY,
  user_key bytea NOT NULL,
  ends integer NOT NULL,
  mark text,
  until timestamptz NOT NULL
);
CREATE INDEX express_logout_ended_user ON express_logout_ended (user_key);

-- Aborts a step after its deadline, by the server's clock in epoch milliseconds: a call that timed out must not take effect
-- later. Also limits the wait for locks.
CREATE OR REPLACE FUNCTION express_logout_in_time(the_deadline double precision) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF extract(epoch FROM clock_timestamp()) * 1000 > the_deadline THEN
    RAISE EXCEPTION 'deadline exceeded' USING ERRCODE = 'query_canceled';
  END IF;
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'not in READ COMMITTED' USING ERRCODE = 'EL001';
  END IF;
  PERFORM set_config('lock_timeout',
    ceil(greatest(the_deadline - extract(epoch FROM clock_timestamp()) * 1000, 1))::bigint || 'ms', true);
END $$;

CREATE OR REPLACE FUNCTION express_logout_lock_app(the_deadline double precision, the_app text, is_alone boolean)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM express_logout_in_time(the_deadline);
  IF is_alone THEN PERFORM pg_advisory_xact_lock(hashtextextended(the_app, 1));
  ELSE PERFORM pg_advisory_xact_lock_shared(hashtextextended(the_app, 1));
  END IF;
END $$;

CREATE OR REPLACE FUNCTION express_logout_lock_user(the_deadline double precision, the_user bytea)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM express_logout_in_time(the_deadline);
  PERFORM pg_advisory_xact_lock(hashtextextended(encode(the_user, 'hex'), 2));
END $$;

CREATE OR REPLACE FUNCTION express_logout_drop_expired(the_user bytea) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM express_logout_logins WHERE user_key = the_user AND expires <= clock_timestamp();
  DELETE FROM express_logout_kicked WHERE user_key = the_user AND expires <= clock_timestamp();
  DELETE FROM express_logout_ended WHERE user_key = the_user AND until <= clock_timestamp();
END $$;

CREATE OR REPLACE FUNCTION express_logout_list(the_app text, the_user bytea, the_user_id text, the_login bytea, the_id text,
  the_sid text, the_ttl double precision, the_ip text, the_agent text, the_beginning double precision)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  at timestamptz := clock_timestamp();
  ends_at timestamptz := at + the_ttl * interval '1 millisecond';
BEGIN
  INSERT INTO express_logout_logins
  VALUES (the_login, the_user, the_id, coalesce(to_timestamp(the_beginning / 1000), at), at, ends_at,
    the_ip, the_agent, ARRAY[the_sid])
  ON CONFLICT (key) DO UPDATE SET began = excluded.began, last_active = excluded.last_active, expires = excluded.expires,
    ip = excluded.ip, user_agent = excluded.user_agent, sids = excluded.sids;
  INSERT INTO express_logout_users AS u (app, key, user_id, active, expires, until)
  VALUES (the_app, the_user, the_user_id, at, ends_at, ends_at)
  ON CONFLICT (app, key) DO UPDATE SET active = at, expires = greatest(u.expires, ends_at), until = greatest(u.until, ends_at);
END $$;

-- Notifies the channel of ended logins: a line with user and kick, then a line for each login, in as many messages as needed.
-- An id that does not fit in a message is replaced by the message '', after which subscribers look up the logins they watch.
CREATE OR REPLACE FUNCTION express_logout_announce(the_channel text, the_head text, the_ids text[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  each_id text;
  message text := the_head;
BEGIN
  FOREACH each_id IN ARRAY the_ids LOOP
    IF octet_length(the_head) + 1 + octet_length(each_id) > 7999 THEN
      PERFORM pg_notify(the_channel, '');
      CONTINUE;
    END IF;
    IF octet_length(message) + 1 + octet_length(each_id) > 7999 THEN
      PERFORM pg_notify(the_channel, message);
      message := the_head;
    END IF;
    message := message || E'\n' || each_id;
  END LOOP;
  IF message <> the_head THEN PERFORM pg_notify(the_channel, message); END IF;
END $$;

CREATE OR REPLACE FUNCTION express_logout_add(the_deadline double precision, the_app text, the_user bytea, the_user_id text,
  the_login bytea, the_id text, the_sid text, the_ttl double precision, the_ip text, the_agent text,
  the_beginning double precision, OUT its_user_mark text, OUT its_app_mark text) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM express_logout_lock_app(the_deadline, the_app, false);
  PERFORM express_logout_lock_user(the_deadline, the_user);
  PERFORM express_logout_drop_expired(the_user);
  PERFORM express_logout_list(the_app, the_user, the_user_id, the_login, the_id, the_sid, the_ttl,
    the_ip, the_agent, the_beginning);
  SELECT mark_id INTO its_user_mark FROM express_logout_users
    WHERE app = the_app AND key = the_user AND mark_until > clock_timestamp();
  SELECT mark_id INTO its_app_mark FROM express_logout_apps WHERE app = the_app;
  PERFORM express_logout_in_time(the_deadline);
END $$;

CREATE OR REPLACE FUNCTION express_logout_adopt(the_deadline double precision, the_app text, the_user bytea,
  the_user_id text, the_login bytea, the_id text, the_sid text, the_ttl double precision, the_ip text, the_agent text,
  the_beginning double precision, the_user_mark text, the_app_mark text, the_ends integer)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  at timestamptz;
  ends_at timestamptz;
BEGIN
  PERFORM express_logout_lock_app(the_deadline, the_app, false);
  PERFORM express_logout_lock_user(the_deadline, the_user);
  PERFORM express_logout_drop_expired(the_user);
  at := clock_timestamp();
  IF EXISTS (SELECT FROM express_logout_users WHERE app = the_app AND key = the_user AND mark_until > clock_timestamp()
      AND mark_id <> the_user_mark AND spared IS DISTINCT FROM the_login)
    OR EXISTS (SELECT FROM express_logout_apps WHERE app = the_app AND mark_id <> the_app_mark)
    OR coalesce((SELECT ends FROM express_logout_ended WHERE key = the_login), 0) <> the_ends
  THEN RETURN false; END IF;
  IF EXISTS (SELECT FROM express_logout_logins WHERE key = the_login AND NOT the_sid = ANY (sids)) THEN RETURN false; END IF;
  UPDATE express_logout_logins SET last_active = at, expires = greatest(expires, at + the_ttl * interval '1 millisecond')
    WHERE key = the_login RETURNING expires INTO ends_at;
  IF FOUND THEN
    UPDATE express_logout_users SET active = at, expires = greatest(expires, ends_at), until = greatest(until, ends_at)
      WHERE app = the_app AND key = the_user;
  ELSE
    PERFORM express_logout_list(the_app, the_user, the_user_id, the_login, the_id, the_sid, the_ttl,
      the_ip, the_agent, the_beginning);
  END IF;
  PERFORM express_logout_in_time(the_deadline);
  RETURN true;
END $$;

CREATE OR REPLACE FUNCTION express_logout_update(the_deadline double precision, the_app text, the_user bytea,
  the_login bytea, the_new_sid text, the_old_sid text, the_ttl double precision, the_ip text, the_agent text)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  at timestamptz;
  ends_at timestamptz;
  login express_logout_logins;
BEGIN
  PERFORM express_logout_lock_user(the_deadline, the_user);
  at := clock_timestamp();
  SELECT * INTO login FROM express_logout_logins WHERE key = the_login AND expires > at;
  IF NOT FOUND THEN RETURN false; END IF;
  IF the_old_sid IS NOT NULL THEN login.sids := array_remove(login.sids, the_old_sid); END IF;
  IF the_new_sid IS NOT NULL AND the_new_sid <> ALL (login.sids) THEN login.sids := login.sids || the_new_sid; END IF;
  IF login.ip IS NULL AND login.user_agent IS NULL THEN login.ip := the_ip; login.user_agent := the_agent; END IF;
  IF the_ttl IS NOT NULL THEN
    ends_at := greatest(login.expires, at + the_ttl * interval '1 millisecond');
    login.last_active := at;
    login.expires := ends_at;
    UPDATE express_logout_users SET active = at, expires = greatest(expires, ends_at), until = greatest(until, ends_at)
    WHERE app = the_app AND key = the_user;
  END IF;
  UPDATE express_logout_logins SET last_active = login.last_active, expires = login.expires, ip = login.ip,
    user_agent = login.user_agent, sids = login.sids WHERE key = the_login;
  PERFORM express_logout_in_time(the_deadline);
  RETURN true;
END $$;

-- `the_end_ttl`: how long the end of a listed login is remembered, null: not at all. `the_unlisted_ttl`: the same for a login
-- that is not listed.
CREATE OR REPLACE FUNCTION express_logout_remove(the_deadline double precision, the_app text, the_user bytea,
  the_user_id text, the_login bytea, the_mark text, the_end_ttl double precision, the_unlisted_ttl double precision,
  the_channel text, the_head text, OUT its_login express_logout_logins, OUT its_ends integer) LANGUAGE plpgsql AS $$
DECLARE
  is_listed boolean;
  ends_until timestamptz;
BEGIN
  PERFORM express_logout_lock_user(the_deadline, the_user);
  PERFORM express_logout_drop_expired(the_user);
  DELETE FROM express_logout_logins WHERE key = the_login RETURNING * INTO its_login;
  is_listed := FOUND;
  IF is_listed THEN
    UPDATE express_logout_users SET expires = (SELECT max(expires) FROM express_logout_logins WHERE user_key = the_user)
    WHERE app = the_app AND key = the_user;
    PERFORM express_logout_announce(the_channel, the_head, ARRAY[its_login.id]);
  END IF;
  IF the_mark IS NOT NULL AND is_listed THEN
    DELETE FROM express_logout_kicked WHERE key = the_login;
    INSERT INTO express_logout_kicked SELECT its_login.*;
  ELSIF the_mark IS NOT NULL THEN
    SELECT * INTO its_login FROM express_logout_kicked WHERE key = the_login;
  END IF;
  SELECT ends INTO its_ends FROM express_logout_ended WHERE key = the_login;
  its_ends := coalesce(its_ends, 0);
  IF NOT is_listed THEN the_end_ttl := the_unlisted_ttl; END IF;
  IF the_end_ttl IS NOT NULL THEN
    its_ends := its_ends + 1;
    ends_until := clock_timestamp() + the_end_ttl * interval '1 millisecond';
    INSERT INTO express_logout_ended AS e VALUES (the_login, the_user, its_ends, the_mark, ends_until)
    ON CONFLICT (key) DO UPDATE SET ends = excluded.ends, mark = coalesce(excluded.mark, e.mark),
      until = greatest(e.until, excluded.until);
    INSERT INTO express_logout_users AS u (app, key, user_id, until) VALUES (the_app, the_user, the_user_id, ends_until)
    ON CONFLICT (app, key) DO UPDATE SET until = greatest(u.until, ends_until);
  END IF;
  PERFORM express_logout_in_time(the_deadline);
END $$;

CREATE OR REPLACE FUNCTION express_logout_remove_all(the_deadline double precision, the_app text, the_user bytea,
  the_user_id text, the_mark_id text, the_mark text, the_mark_ttl double precision, the_channel text, the_head text,
  the_exception bytea)
RETURNS SETOF express_logout_logins LANGUAGE plpgsql AS $$
DECLARE
  ends_until timestamptz;
  spared_login bytea;
  spared_until timestamptz;
BEGIN
  PERFORM express_logout_lock_user(the_deadline, the_user);
  PERFORM express_logout_drop_expired(the_user);
  SELECT key, expires INTO spared_login, spared_until FROM express_logout_logins WHERE key = the_exception;
  PERFORM express_logout_announce(the_channel, the_head, ARRAY(
    SELECT id FROM express_logout_logins WHERE user_key = the_user AND key IS DISTINCT FROM spared_login));
  DELETE FROM express_logout_kicked WHERE key IN (SELECT key FROM express_logout_logins WHERE user_key = the_user);
  INSERT INTO express_logout_kicked SELECT * FROM express_logout_logins
    WHERE user_key = the_user AND key IS DISTINCT FROM spared_login;
  DELETE FROM express_logout_logins WHERE user_key = the_user AND key IS DISTINCT FROM spared_login;
  ends_until := clock_timestamp() + the_mark_ttl * interval '1 millisecond';
  INSERT INTO express_logout_users AS u (app, key, user_id, mark_id, mark, mark_until, spared, until)
  VALUES (the_app, the_user, the_user_id, the_mark_id, the_mark, ends_until, spared_login, ends_until)
  ON CONFLICT (app, key) DO UPDATE SET expires = spared_until, mark_id = the_mark_id, mark = the_mark,
    mark_until = ends_until, spared = spared_login, until = greatest(u.until, ends_until);
  RETURN QUERY SELECT * FROM express_logout_kicked WHERE user_key = the_user;
  PERFORM express_logout_in_time(the_deadline);
END $$;

CREATE OR REPLACE FUNCTION express_logout_settle(the_deadline double precision, the_user bytea, the_logins bytea[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM express_logout_lock_user(the_deadline, the_user);
  DELETE FROM express_logout_kicked WHERE key = ANY (the_logins);
  PERFORM express_logout_in_time(the_deadline);
END $$;

CREATE OR REPLACE FUNCTION express_logout_mark_all(the_deadline double precision, the_app text, the_mark_id text,
  the_mark text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM express_logout_lock_app(the_deadline, the_app, true);
  INSERT INTO express_logout_apps VALUES (the_app, the_mark_id, the_mark)
  ON CONFLICT (app) DO UPDATE SET mark_id = the_mark_id, mark = the_mark;
  PERFORM express_logout_in_time(the_deadline);
END $$;

CREATE OR REPLACE FUNCTION express_logout_forget(the_deadline double precision, the_app text, the_user bytea)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM express_logout_lock_user(the_deadline, the_user);
  DELETE FROM express_logout_logins WHERE user_key = the_user;
  DELETE FROM express_logout_kicked WHERE user_key = the_user;
  UPDATE express_logout_users SET expires = NULL WHERE app = the_app AND key = the_user;
  PERFORM express_logout_in_time(the_deadline);
END $$;

-- Deletes users of whom nothing needs to be kept, except those on whom a step is running. Searches by `now()`, which is constant
-- in a transaction, so that the index can be used.
CREATE OR REPLACE FUNCTION express_logout_sweep(the_deadline double precision, the_app text, most integer)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  the_user bytea;
  swept integer := 0;
BEGIN
  PERFORM express_logout_in_time(the_deadline);
  FOR the_user IN
    SELECT key FROM express_logout_users WHERE app = the_app AND until <= now() LIMIT most
  LOOP
    CONTINUE WHEN NOT pg_try_advisory_xact_lock(hashtextextended(encode(the_user, 'hex'), 2));
    DELETE FROM express_logout_users WHERE app = the_app AND key = the_user AND until <= clock_timestamp();
    CONTINUE WHEN NOT FOUND;
    PERFORM express_logout_drop_expired(the_user);
    swept := swept + 1;
  END LOOP;
  PERFORM express_logout_in_time(the_deadline);
  RETURN swept;
END $$;

-- The version of this schema, and the oldest version whose processes can use it.
CREATE OR REPLACE FUNCTION express_logout_schema(OUT version integer, OUT serves integer) LANGUAGE sql IMMUTABLE AS $$
  SELECT 1, 1
$$;
