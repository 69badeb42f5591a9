-- Limits and lifetimes of logins.
--
-- Processes of the releases before call the functions of 000001.sql and 000002.sql: they list logins without a limit, and do not know
-- lifetimes.

-- `lasts_until`: when a login ends however active it is, null: not at all. `idle_ms`: how long it lasts after `last_active`, null:
-- unlimited. `expires` stays the time until which a login is kept, which may be later. `shown_until` is never later than the end.
ALTER TABLE express_logout_logins ADD COLUMN lasts_until timestamptz;
ALTER TABLE express_logout_logins ADD COLUMN idle_ms double precision;
ALTER TABLE express_logout_kicked ADD COLUMN lasts_until timestamptz;
ALTER TABLE express_logout_kicked ADD COLUMN idle_ms double precision;
CREATE INDEX express_logout_logins_lifetime ON express_logout_logins (user_key)
  WHERE lasts_until IS NOT NULL OR idle_ms IS NOT NULL;

-- Returns when the lifetime of a login is over; null: it has none.
CREATE OR REPLACE FUNCTION express_logout_over_at(lasts_until timestamptz, last_active timestamptz, idle_ms double precision)
RETURNS timestamptz LANGUAGE sql STABLE AS $$
  SELECT least(lasts_until, last_active + idle_ms * interval '1 millisecond')
$$;

-- Locks a user, and ends the logins whose lifetime is over. The end is remembered until they would have expired, as the reason.
CREATE OR REPLACE FUNCTION express_logout_open_user(the_deadline double precision, the_app text, the_user bytea)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM express_logout_lock_user(the_deadline, the_user);
  INSERT INTO express_logout_ended AS e
  SELECT key, user_key, 1, format('{"id":"lifetime","at":%s,"cause":"lifetime"}',
      floor(extract(epoch FROM express_logout_over_at(lasts_until, last_active, idle_ms)) * 1000)::bigint), expires
    FROM express_logout_logins
    WHERE user_key = the_user AND (lasts_until IS NOT NULL OR idle_ms IS NOT NULL) AND express_logout_over_at(lasts_until, last_active, idle_ms) <= clock_timestamp()
  ON CONFLICT (key) DO UPDATE SET ends = e.ends + 1, mark = excluded.mark, until = greatest(e.until, excluded.until);
  IF FOUND THEN
    DELETE FROM express_logout_logins l USING express_logout_ended e
      WHERE l.user_key = the_user AND e.key = l.key AND (l.lasts_until IS NOT NULL OR l.idle_ms IS NOT NULL)
        AND express_logout_over_at(l.lasts_until, l.last_active, l.idle_ms) <= clock_timestamp();
    PERFORM express_logout_review(the_app, the_user);
  END IF;
END $$;

-- Updates until when a user is online and shown, after logins have gone.
CREATE OR REPLACE FUNCTION express_logout_review(the_app text, the_user bytea) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE express_logout_users SET (expires, shown) = (
    SELECT max(expires), max(coalesce(shown_until, expires)) FILTER (WHERE cardinality(sids) > 0)
    FROM express_logout_logins WHERE user_key = the_user)
  WHERE app = the_app AND key = the_user;
END $$;

-- Sets the lifetime of a login; null: unchanged. Lists show a login no longer than it lasts.
CREATE OR REPLACE FUNCTION express_logout_set_lifetime(the_app text, the_user bytea, the_login bytea, the_end timestamptz,
  the_idle_ms double precision) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  login express_logout_logins;
  shown timestamptz;
BEGIN
  UPDATE express_logout_logins SET lasts_until = coalesce(the_end, lasts_until), idle_ms = coalesce(the_idle_ms, idle_ms)
    WHERE key = the_login AND (coalesce(the_idle_ms, idle_ms) IS NOT NULL OR coalesce(the_end, lasts_until) IS NOT NULL)
    RETURNING * INTO login;
  IF NOT FOUND THEN RETURN; END IF;
  shown := least(login.shown_until, express_logout_over_at(login.lasts_until, login.last_active, login.idle_ms));
  IF shown IS NOT DISTINCT FROM login.shown_until THEN RETURN; END IF;
  UPDATE express_logout_logins SET shown_until = shown WHERE key = the_login;
  IF cardinality(login.sids) > 0 THEN PERFORM express_logout_show(the_app, the_user, login.shown_until, shown); END IF;
END $$;

-- Returns the keys of the logins beyond the `the_count` youngest sessions, of which the one with `the_sid` is the first. Logins that
-- share a session id are one session. `the_login`: the login that gets this session id. `the_count` null: no limit.
CREATE OR REPLACE FUNCTION express_logout_excess(the_user bytea, the_login bytea, the_sid text, the_count double precision)
RETURNS bytea[] LANGUAGE plpgsql AS $$
DECLARE
  other express_logout_logins;
  kept text[] := ARRAY[the_sid];
  sessions integer := 1;
  excess bytea[] := '{}';
BEGIN
  IF the_count IS NULL OR (SELECT count(*) FROM express_logout_logins WHERE user_key = the_user) < the_count THEN RETURN excess; END IF;
  FOR other IN
    SELECT * FROM express_logout_logins WHERE user_key = the_user AND key <> the_login AND expires > clock_timestamp()
    ORDER BY date_trunc('milliseconds', last_active) DESC, date_trunc('milliseconds', began) DESC, id COLLATE "C" DESC
  LOOP
    IF NOT other.sids && kept THEN
      IF sessions >= the_count THEN
        excess := excess || other.key;
        CONTINUE;
      END IF;
      sessions := sessions + 1;
    END IF;
    kept := kept || other.sids;
  END LOOP;
  RETURN excess;
END $$;

-- Ends logins as a kick does, and returns them. Their end is remembered until they would have expired.
CREATE OR REPLACE FUNCTION express_logout_end_excess(the_app text, the_user bytea, the_logins bytea[], the_mark text,
  the_channel text, the_head text) RETURNS express_logout_logins[] LANGUAGE plpgsql AS $$
DECLARE
  its_ended express_logout_logins[];
BEGIN
  IF cardinality(the_logins) = 0 THEN RETURN '{}'; END IF;
  its_ended := ARRAY(SELECT l FROM express_logout_logins l WHERE key = ANY (the_logins));
  DELETE FROM express_logout_kicked WHERE key = ANY (the_logins);
  INSERT INTO express_logout_kicked SELECT * FROM express_logout_logins WHERE key = ANY (the_logins);
  INSERT INTO express_logout_ended AS e
  SELECT key, user_key, 1, the_mark, expires FROM express_logout_logins WHERE key = ANY (the_logins)
  ON CONFLICT (key) DO UPDATE SET ends = e.ends + 1, mark = excluded.mark, until = greatest(e.until, excluded.until);
  DELETE FROM express_logout_logins WHERE key = ANY (the_logins);
  PERFORM express_logout_review(the_app, the_user);
  PERFORM express_logout_announce(the_channel, the_head, ARRAY(SELECT id FROM unnest(its_ended)));
  RETURN its_ended;
END $$;

-- `the_lasts`, `the_idle`: the lifetime; null: unlimited. `the_count`: the limit; null: none. `is_refusing`: the limit refuses the
-- login in place of ending others.
CREATE OR REPLACE FUNCTION express_logout_begin_login(the_deadline double precision, the_app text, the_user bytea, the_user_id text,
  the_login bytea, the_id text, the_sid text, the_ttl double precision, the_ip text, the_agent text,
  the_beginning double precision, the_lasts double precision, the_idle double precision, the_count double precision,
  is_refusing boolean, the_limit_mark text, the_channel text, the_head text, OUT is_listed boolean, OUT its_user_mark text,
  OUT its_app_mark text, OUT is_full boolean, OUT its_ended express_logout_logins[]) LANGUAGE plpgsql AS $$
DECLARE
  excess bytea[];
BEGIN
  PERFORM express_logout_lock_app(the_deadline, the_app, false);
  PERFORM express_logout_open_user(the_deadline, the_app, the_user);
  excess := express_logout_excess(the_user, the_login, the_sid, the_count);
  is_full := is_refusing AND cardinality(excess) > 0
    AND NOT EXISTS (SELECT FROM express_logout_logins WHERE key = the_login AND expires > clock_timestamp());
  IF is_full THEN RETURN; END IF;
  SELECT a.is_listed, a.its_user_mark, a.its_app_mark INTO is_listed, its_user_mark, its_app_mark
    FROM express_logout_add_login(the_deadline, the_app, the_user, the_user_id, the_login, the_id, the_sid, the_ttl, the_ip,
      the_agent, the_beginning) a;
  IF NOT is_listed THEN RETURN; END IF;
  PERFORM express_logout_set_lifetime(the_app, the_user, the_login, began + the_lasts * interval '1 millisecond', the_idle)
    FROM express_logout_logins WHERE key = the_login;
  its_ended := express_logout_end_excess(the_app, the_user, excess, the_limit_mark, the_channel, the_head);
  PERFORM express_logout_in_time(the_deadline);
END $$;

CREATE OR REPLACE FUNCTION express_logout_resume_login(the_deadline double precision, the_app text, the_user bytea, the_user_id text,
  the_login bytea, the_id text, the_sid text, the_ttl double precision, the_ip text, the_agent text,
  the_beginning double precision, the_lasts double precision, the_idle double precision, the_count double precision,
  is_refusing boolean, the_limit_mark text, the_channel text, the_head text, the_user_mark text, the_app_mark text,
  the_ends integer, the_authentication double precision, OUT is_listed boolean, OUT its_user_mark text, OUT its_app_mark text,
  OUT is_full boolean, OUT its_ended express_logout_logins[]) LANGUAGE plpgsql AS $$
DECLARE
  excess bytea[] := '{}';
  is_new boolean;
BEGIN
  PERFORM express_logout_lock_app(the_deadline, the_app, false);
  PERFORM express_logout_open_user(the_deadline, the_app, the_user);
  is_new := NOT EXISTS (SELECT FROM express_logout_logins WHERE key = the_login AND expires > clock_timestamp());
  IF is_new THEN excess := express_logout_excess(the_user, the_login, the_sid, the_count); END IF;
  is_full := is_refusing AND cardinality(excess) > 0;
  IF is_full THEN RETURN; END IF;
  SELECT a.is_listed, a.its_user_mark, a.its_app_mark INTO is_listed, its_user_mark, its_app_mark
    FROM express_logout_adopt_login(the_deadline, the_app, the_user, the_user_id, the_login, the_id, the_sid, the_ttl, the_ip,
      the_agent, the_beginning, the_user_mark, the_app_mark, the_ends, the_authentication) a;
  IF is_listed IS NOT TRUE THEN RETURN; END IF;
  PERFORM express_logout_set_lifetime(the_app, the_user, the_login,
    CASE WHEN is_new THEN began + the_lasts * interval '1 millisecond' END, CASE WHEN is_new THEN the_idle END)
    FROM express_logout_logins WHERE key = the_login;
  its_ended := express_logout_end_excess(the_app, the_user, excess, the_limit_mark, the_channel, the_head);
  PERFORM express_logout_in_time(the_deadline);
END $$;

CREATE OR REPLACE FUNCTION express_logout_change_login(the_deadline double precision, the_app text, the_user bytea,
  the_login bytea, the_new_sid text, the_old_sid text, the_ttl double precision, the_ip text, the_agent text,
  the_lasts double precision, the_count double precision, the_limit_mark text, the_channel text, the_head text,
  OUT is_listed boolean, OUT its_ended express_logout_logins[]) LANGUAGE plpgsql AS $$
DECLARE
  is_new boolean;
BEGIN
  PERFORM express_logout_open_user(the_deadline, the_app, the_user);
  is_new := EXISTS (SELECT FROM express_logout_logins WHERE key = the_login AND the_new_sid <> ALL (sids));
  is_listed := express_logout_update_login(the_deadline, the_app, the_user, the_login, the_new_sid, the_old_sid, the_ttl,
    the_ip, the_agent);
  IF NOT is_listed THEN RETURN; END IF;
  PERFORM express_logout_set_lifetime(the_app, the_user, the_login, clock_timestamp() + the_lasts * interval '1 millisecond', NULL);
  IF is_new THEN
    its_ended := express_logout_end_excess(the_app, the_user,
      express_logout_excess(the_user, the_login, the_new_sid, the_count), the_limit_mark, the_channel, the_head);
  END IF;
  PERFORM express_logout_in_time(the_deadline);
END $$;

CREATE OR REPLACE FUNCTION express_logout_end_login(the_deadline double precision, the_app text, the_user bytea,
  the_user_id text, the_login bytea, the_mark text, the_end_ttl double precision, the_unlisted_ttl double precision,
  the_channel text, the_head text, the_sid text, is_last boolean, OUT its_login express_logout_logins, OUT its_ends integer)
LANGUAGE plpgsql AS $$
DECLARE
  removed record;
BEGIN
  PERFORM express_logout_open_user(the_deadline, the_app, the_user);
  SELECT * INTO removed FROM express_logout_remove_login(the_deadline, the_app, the_user, the_user_id, the_login, the_mark,
    the_end_ttl, the_unlisted_ttl, the_channel, the_head, the_sid, is_last);
  its_login := removed.its_login;
  its_ends := removed.its_ends;
END $$;

CREATE OR REPLACE FUNCTION express_logout_end_logins(the_deadline double precision, the_app text, the_user bytea,
  the_user_id text, the_mark_id text, the_mark text, the_mark_ttl double precision, the_channel text, the_head text,
  the_exception bytea) RETURNS SETOF express_logout_logins LANGUAGE plpgsql AS $$
BEGIN
  PERFORM express_logout_open_user(the_deadline, the_app, the_user);
  RETURN QUERY SELECT * FROM express_logout_remove_logins(the_deadline, the_app, the_user, the_user_id, the_mark_id, the_mark,
    the_mark_ttl, the_channel, the_head, the_exception);
END $$;

CREATE OR REPLACE FUNCTION express_logout_schema(OUT version integer, OUT serves integer) LANGUAGE sql IMMUTABLE AS $$
  SELECT 3, 1
$$;
