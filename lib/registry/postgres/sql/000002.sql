-- 0.2: lists follow the end of sessions, so a login has a time until which lists show it.
--
-- Processes of 0.1 call the functions of 000001.sql, which do not write the new columns. So lists show a login of 0.1 until it
-- expires, and pages of active users show its user after the first request to a process of 0.2.

-- `shown_until`: until when lists show a login, null: until it expires. `shown`: until when lists show a user, null: not at all.
ALTER TABLE express_logout_logins ADD COLUMN shown_until timestamptz;
ALTER TABLE express_logout_kicked ADD COLUMN shown_until timestamptz;
ALTER TABLE express_logout_users ADD COLUMN shown timestamptz;
UPDATE express_logout_users u SET shown = (
    SELECT max(expires) FROM express_logout_logins WHERE user_key = u.key AND cardinality(sids) > 0)
  WHERE u.expires IS NOT NULL;

DROP INDEX IF EXISTS express_logout_users_active, express_logout_logins_user;
CREATE INDEX express_logout_users_shown ON express_logout_users (app, active DESC, key) INCLUDE (shown, expires);
CREATE INDEX express_logout_logins_began ON express_logout_logins (user_key, began DESC, key);

CREATE OR REPLACE FUNCTION express_logout_list_login(the_app text, the_user bytea, the_user_id text, the_login bytea, the_id text,
  the_sid text, the_ttl double precision, the_ip text, the_agent text, the_beginning double precision)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  at timestamptz := clock_timestamp();
  ends_at timestamptz := at + the_ttl * interval '1 millisecond';
BEGIN
  INSERT INTO express_logout_logins
  VALUES (the_login, the_user, the_id, coalesce(to_timestamp(the_beginning / 1000), at), at, ends_at,
    the_ip, the_agent, ARRAY[the_sid], ends_at)
  ON CONFLICT (key) DO UPDATE SET began = excluded.began, last_active = excluded.last_active, expires = excluded.expires,
    ip = excluded.ip, user_agent = excluded.user_agent, sids = excluded.sids, shown_until = excluded.shown_until;
  INSERT INTO express_logout_users AS u (app, key, user_id, active, expires, until, shown)
  VALUES (the_app, the_user, the_user_id, at, ends_at, ends_at, ends_at)
  ON CONFLICT (app, key) DO UPDATE SET active = at, expires = greatest(u.expires, ends_at), until = greatest(u.until, ends_at),
    shown = greatest(u.shown, ends_at);
END $$;

-- Updates `shown` of a user when a login that was shown until `was` is now shown until `is_now`; null: not shown. Reads all
-- logins of the user only if the latest time may have become earlier.
CREATE OR REPLACE FUNCTION express_logout_show(the_app text, the_user bytea, was timestamptz, is_now timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF was IS NOT DISTINCT FROM is_now THEN RETURN; END IF;
  UPDATE express_logout_users SET shown = CASE
    WHEN shown IS NULL OR is_now >= shown THEN is_now
    WHEN was >= shown THEN (
      SELECT max(coalesce(shown_until, expires)) FROM express_logout_logins WHERE user_key = the_user AND cardinality(sids) > 0)
    ELSE shown
  END WHERE app = the_app AND key = the_user;
END $$;

-- Returns whether a kick counts for a user who authenticated at a time, in epoch milliseconds; null: unknown. A kick at least a
-- minute older does not. The time of the kick is cut from the text, because PostgreSQL cannot parse every text in it as JSON.
CREATE OR REPLACE FUNCTION express_logout_kick_counts(the_mark text, the_authentication double precision)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(substring(the_mark FROM '^\{"id":".*","at":(-?[0-9]+)[,}]')::double precision
    + 60000 > the_authentication, true)
$$;

CREATE OR REPLACE FUNCTION express_logout_add_login(the_deadline double precision, the_app text, the_user bytea, the_user_id text,
  the_login bytea, the_id text, the_sid text, the_ttl double precision, the_ip text, the_agent text,
  the_beginning double precision, OUT is_listed boolean, OUT its_user_mark text, OUT its_app_mark text)
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM express_logout_lock_app(the_deadline, the_app, false);
  PERFORM express_logout_lock_user(the_deadline, the_user);
  PERFORM express_logout_drop_expired(the_user);
  is_listed := NOT EXISTS (SELECT FROM express_logout_ended WHERE key = the_login);
  IF NOT is_listed THEN RETURN; END IF;
  PERFORM express_logout_list_login(the_app, the_user, the_user_id, the_login, the_id, the_sid, the_ttl,
    the_ip, the_agent, the_beginning);
  SELECT mark_id INTO its_user_mark FROM express_logout_users
    WHERE app = the_app AND key = the_user AND mark_until > clock_timestamp();
  SELECT mark_id INTO its_app_mark FROM express_logout_apps WHERE app = the_app;
  PERFORM express_logout_in_time(the_deadline);
END $$;

CREATE OR REPLACE FUNCTION express_logout_adopt_login(the_deadline double precision, the_app text, the_user bytea,
  the_user_id text, the_login bytea, the_id text, the_sid text, the_ttl double precision, the_ip text, the_agent text,
  the_beginning double precision, the_user_mark text, the_app_mark text, the_ends integer,
  the_authentication double precision, OUT is_listed boolean, OUT its_user_mark text, OUT its_app_mark text)
LANGUAGE plpgsql AS $$
DECLARE
  at timestamptz;
  ends_at timestamptz;
  login express_logout_logins;
BEGIN
  PERFORM express_logout_lock_app(the_deadline, the_app, false);
  PERFORM express_logout_lock_user(the_deadline, the_user);
  PERFORM express_logout_drop_expired(the_user);
  at := clock_timestamp();
  is_listed := false;
  IF EXISTS (SELECT FROM express_logout_users WHERE app = the_app AND key = the_user AND mark_until > clock_timestamp()
      AND mark_id <> the_user_mark AND spared IS DISTINCT FROM the_login AND express_logout_kick_counts(mark, the_authentication))
    OR EXISTS (SELECT FROM express_logout_apps WHERE app = the_app AND mark_id <> the_app_mark
      AND express_logout_kick_counts(mark, the_authentication))
    OR coalesce((SELECT ends FROM express_logout_ended WHERE key = the_login), 0) <> the_ends
  THEN RETURN; END IF;
  SELECT * INTO login FROM express_logout_logins WHERE key = the_login;
  IF FOUND THEN
    IF the_sid <> ALL (login.sids) THEN is_listed := NULL; RETURN; END IF;
    ends_at := at + the_ttl * interval '1 millisecond';
    UPDATE express_logout_logins SET last_active = at, expires = greatest(expires, ends_at), shown_until = ends_at
      WHERE key = the_login;
    UPDATE express_logout_users SET active = at, expires = greatest(expires, ends_at), until = greatest(until, ends_at)
      WHERE app = the_app AND key = the_user;
    PERFORM express_logout_show(the_app, the_user, coalesce(login.shown_until, login.expires), ends_at);
  ELSE
    PERFORM express_logout_list_login(the_app, the_user, the_user_id, the_login, the_id, the_sid, the_ttl,
      the_ip, the_agent, the_beginning);
  END IF;
  is_listed := true;
  SELECT mark_id INTO its_user_mark FROM express_logout_users
    WHERE app = the_app AND key = the_user AND mark_until > clock_timestamp();
  SELECT mark_id INTO its_app_mark FROM express_logout_apps WHERE app = the_app;
  PERFORM express_logout_in_time(the_deadline);
END $$;

CREATE OR REPLACE FUNCTION express_logout_update_login(the_deadline double precision, the_app text, the_user bytea,
  the_login bytea, the_new_sid text, the_old_sid text, the_ttl double precision, the_ip text, the_agent text)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  at timestamptz;
  ends_at timestamptz;
  was timestamptz;
  login express_logout_logins;
BEGIN
  PERFORM express_logout_lock_user(the_deadline, the_user);
  at := clock_timestamp();
  SELECT * INTO login FROM express_logout_logins WHERE key = the_login AND expires > at;
  IF NOT FOUND THEN RETURN false; END IF;
  was := CASE WHEN cardinality(login.sids) > 0 THEN coalesce(login.shown_until, login.expires) END;
  IF the_old_sid IS NOT NULL THEN login.sids := array_remove(login.sids, the_old_sid); END IF;
  IF the_new_sid IS NOT NULL AND the_new_sid <> ALL (login.sids) THEN login.sids := login.sids || the_new_sid; END IF;
  IF login.ip IS NULL AND login.user_agent IS NULL THEN login.ip := the_ip; login.user_agent := the_agent; END IF;
  IF the_ttl IS NOT NULL THEN
    ends_at := at + the_ttl * interval '1 millisecond';
    login.last_active := at;
    login.expires := greatest(login.expires, ends_at);
    login.shown_until := ends_at;
    UPDATE express_logout_users SET active = at, expires = greatest(expires, ends_at), until = greatest(until, ends_at)
    WHERE app = the_app AND key = the_user;
  END IF;
  UPDATE express_logout_logins SET last_active = login.last_active, expires = login.expires, ip = login.ip,
    user_agent = login.user_agent, sids = login.sids, shown_until = login.shown_until WHERE key = the_login;
  PERFORM express_logout_show(the_app, the_user, was,
    CASE WHEN cardinality(login.sids) > 0 THEN coalesce(login.shown_until, login.expires) END);
  PERFORM express_logout_in_time(the_deadline);
  RETURN true;
END $$;

-- `the_end_ttl`: how long the end of a listed login is remembered, null: not at all. `the_unlisted_ttl`: the same for a login
-- that is not listed. `the_sid`: ends the login only if it has this session id; null: no condition. `is_last`: only if it has no
-- other session id; otherwise removes just this one.
CREATE OR REPLACE FUNCTION express_logout_remove_login(the_deadline double precision, the_app text, the_user bytea,
  the_user_id text, the_login bytea, the_mark text, the_end_ttl double precision, the_unlisted_ttl double precision,
  the_channel text, the_head text, the_sid text, is_last boolean, OUT its_login express_logout_logins, OUT its_ends integer)
LANGUAGE plpgsql AS $$
DECLARE
  is_listed boolean;
  ends_until timestamptz;
BEGIN
  PERFORM express_logout_lock_user(the_deadline, the_user);
  PERFORM express_logout_drop_expired(the_user);
  SELECT ends INTO its_ends FROM express_logout_ended WHERE key = the_login;
  its_ends := coalesce(its_ends, 0);
  IF the_sid IS NOT NULL AND NOT EXISTS (SELECT FROM express_logout_logins WHERE key = the_login AND the_sid = ANY (sids)
    AND NOT (is_last AND cardinality(sids) > 1))
  THEN
    IF is_last THEN
      UPDATE express_logout_logins SET sids = array_remove(sids, the_sid) WHERE key = the_login AND the_sid = ANY (sids);
    END IF;
    PERFORM express_logout_in_time(the_deadline);
    RETURN;
  END IF;
  DELETE FROM express_logout_logins WHERE key = the_login RETURNING * INTO its_login;
  is_listed := FOUND;
  IF is_listed THEN
    UPDATE express_logout_users SET (expires, shown) = (
      SELECT max(expires), max(coalesce(shown_until, expires)) FILTER (WHERE cardinality(sids) > 0)
      FROM express_logout_logins WHERE user_key = the_user)
    WHERE app = the_app AND key = the_user;
    PERFORM express_logout_announce(the_channel, the_head, ARRAY[its_login.id]);
  END IF;
  IF the_mark IS NOT NULL AND is_listed THEN
    DELETE FROM express_logout_kicked WHERE key = the_login;
    INSERT INTO express_logout_kicked SELECT its_login.*;
  ELSIF the_mark IS NOT NULL THEN
    SELECT * INTO its_login FROM express_logout_kicked WHERE key = the_login;
  END IF;
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

CREATE OR REPLACE FUNCTION express_logout_remove_logins(the_deadline double precision, the_app text, the_user bytea,
  the_user_id text, the_mark_id text, the_mark text, the_mark_ttl double precision, the_channel text, the_head text,
  the_exception bytea)
RETURNS SETOF express_logout_logins LANGUAGE plpgsql AS $$
DECLARE
  ends_until timestamptz;
  spared_login bytea;
  spared_until timestamptz;
  spared_shown timestamptz;
BEGIN
  PERFORM express_logout_lock_user(the_deadline, the_user);
  PERFORM express_logout_drop_expired(the_user);
  SELECT key, expires, CASE WHEN cardinality(sids) > 0 THEN coalesce(shown_until, expires) END
    INTO spared_login, spared_until, spared_shown FROM express_logout_logins WHERE key = the_exception;
  PERFORM express_logout_announce(the_channel, the_head, ARRAY(
    SELECT id FROM express_logout_logins WHERE user_key = the_user AND key IS DISTINCT FROM spared_login));
  DELETE FROM express_logout_kicked WHERE key IN (SELECT key FROM express_logout_logins WHERE user_key = the_user);
  INSERT INTO express_logout_kicked SELECT * FROM express_logout_logins
    WHERE user_key = the_user AND key IS DISTINCT FROM spared_login;
  DELETE FROM express_logout_logins WHERE user_key = the_user AND key IS DISTINCT FROM spared_login;
  ends_until := clock_timestamp() + the_mark_ttl * interval '1 millisecond';
  INSERT INTO express_logout_users AS u (app, key, user_id, mark_id, mark, mark_until, spared, until)
  VALUES (the_app, the_user, the_user_id, the_mark_id, the_mark, ends_until, spared_login, ends_until)
  ON CONFLICT (app, key) DO UPDATE SET expires = spared_until, shown = spared_shown, mark_id = the_mark_id, mark = the_mark,
    mark_until = ends_until, spared = spared_login, until = greatest(u.until, ends_until);
  RETURN QUERY SELECT * FROM express_logout_kicked WHERE user_key = the_user;
  PERFORM express_logout_in_time(the_deadline);
END $$;

CREATE OR REPLACE FUNCTION express_logout_forget_logins(the_deadline double precision, the_app text, the_user bytea)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM express_logout_lock_user(the_deadline, the_user);
  DELETE FROM express_logout_logins WHERE user_key = the_user;
  DELETE FROM express_logout_kicked WHERE user_key = the_user;
  UPDATE express_logout_users SET expires = NULL, shown = NULL WHERE app = the_app AND key = the_user;
  PERFORM express_logout_in_time(the_deadline);
END $$;

CREATE OR REPLACE FUNCTION express_logout_schema(OUT version integer, OUT serves integer) LANGUAGE sql IMMUTABLE AS $$
  SELECT 2, 1
$$;
