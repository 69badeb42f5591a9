-- A kick may spare several logins, and a kick of everyone spares logins too.
--
-- Processes of the releases before call the functions of the earlier files: they write `spared`, and do not know `kept`. So they refuse
-- to resume a login that is spared here, and a kick of theirs makes `kept` obsolete.

-- `kept`: what the kick in `mark_id` has spared: `of`, the id of that kick, and `logins`, which has for the key of each login, in hex,
-- the kicks of everyone that have spared it. It counts only if `of` is the user's last kick.
ALTER TABLE express_logout_users ADD COLUMN kept jsonb;

-- Returns the kicks of everyone that have spared a login; null: the user's last kick has not spared it.
CREATE OR REPLACE FUNCTION express_logout_spared_by(the_app text, the_user bytea, the_login bytea)
RETURNS text[] LANGUAGE sql STABLE AS $$
  SELECT CASE
    WHEN spared = the_login THEN '{}'
    WHEN kept ->> 'of' = mark_id AND kept -> 'logins' -> encode(the_login, 'hex') IS NOT NULL
      THEN ARRAY(SELECT jsonb_array_elements_text(kept -> 'logins' -> encode(the_login, 'hex')))
  END
  FROM express_logout_users WHERE app = the_app AND key = the_user
$$;

-- As express_logout_resume_login. To a spared login, the kicks that have spared it are as old as those before its beginning.
CREATE OR REPLACE FUNCTION express_logout_continue_login(the_deadline double precision, the_app text, the_user bytea, the_user_id text,
  the_login bytea, the_id text, the_sid text, the_ttl double precision, the_ip text, the_agent text,
  the_beginning double precision, the_lasts double precision, the_idle double precision, the_count double precision,
  is_refusing boolean, the_limit_mark text, the_channel text, the_head text, the_user_mark text, the_app_mark text,
  the_ends integer, the_authentication double precision, OUT is_listed boolean, OUT its_user_mark text, OUT its_app_mark text,
  OUT is_full boolean, OUT its_ended express_logout_logins[]) LANGUAGE plpgsql AS $$
DECLARE
  kicks text[];
BEGIN
  PERFORM express_logout_lock_app(the_deadline, the_app, false);
  PERFORM express_logout_lock_user(the_deadline, the_user);
  kicks := express_logout_spared_by(the_app, the_user, the_login);
  IF kicks IS NOT NULL THEN
    the_user_mark := (SELECT mark_id FROM express_logout_users WHERE app = the_app AND key = the_user);
    the_app_mark := coalesce(
      (SELECT mark_id FROM express_logout_apps WHERE app = the_app AND mark_id = ANY (kicks)), the_app_mark);
  END IF;
  SELECT r.is_listed, r.its_user_mark, r.its_app_mark, r.is_full, r.its_ended
    INTO is_listed, its_user_mark, its_app_mark, is_full, its_ended
    FROM express_logout_resume_login(the_deadline, the_app, the_user, the_user_id, the_login, the_id, the_sid, the_ttl, the_ip,
      the_agent, the_beginning, the_lasts, the_idle, the_count, is_refusing, the_limit_mark, the_channel, the_head,
      the_user_mark, the_app_mark, the_ends, the_authentication) r;
END $$;

-- `the_exceptions`: the logins that do not end, if they are listed. `is_of_everyone`: whether the kick is one of everyone. Several of
-- these are kept, as in lib/registry/spared.ts.
CREATE OR REPLACE FUNCTION express_logout_kick_logins(the_deadline double precision, the_app text, the_user bytea,
  the_user_id text, the_mark_id text, the_mark text, the_mark_ttl double precision, the_channel text, the_head text,
  the_exceptions bytea[], is_of_everyone boolean) RETURNS SETOF express_logout_logins LANGUAGE plpgsql AS $$
DECLARE
  ends_until timestamptz;
  spared_logins bytea[];
  spared_until timestamptz;
  spared_shown timestamptz;
  what_is_kept jsonb;
BEGIN
  PERFORM express_logout_open_user(the_deadline, the_app, the_user);
  PERFORM express_logout_drop_expired(the_user);
  spared_logins := ARRAY(SELECT key FROM express_logout_logins WHERE user_key = the_user AND key = ANY (the_exceptions));
  IF cardinality(spared_logins) > 0 THEN
    SELECT jsonb_build_object('of', the_mark_id, 'logins', jsonb_object_agg(encode(login, 'hex'), CASE
        WHEN is_of_everyone THEN to_jsonb((the_mark_id || array_remove(kicks, the_mark_id))[1:8])
        ELSE to_jsonb(kicks)
      END)) INTO what_is_kept
      FROM (SELECT login, coalesce(express_logout_spared_by(the_app, the_user, login), '{}') AS kicks
        FROM unnest(spared_logins) login) each_login;
  END IF;
  PERFORM express_logout_announce(the_channel, the_head, ARRAY(
    SELECT id FROM express_logout_logins WHERE user_key = the_user AND key <> ALL (spared_logins)));
  DELETE FROM express_logout_kicked WHERE key IN (SELECT key FROM express_logout_logins WHERE user_key = the_user);
  INSERT INTO express_logout_kicked SELECT * FROM express_logout_logins
    WHERE user_key = the_user AND key <> ALL (spared_logins);
  DELETE FROM express_logout_logins WHERE user_key = the_user AND key <> ALL (spared_logins);
  SELECT max(expires), max(coalesce(shown_until, expires)) FILTER (WHERE cardinality(sids) > 0)
    INTO spared_until, spared_shown FROM express_logout_logins WHERE user_key = the_user;
  ends_until := clock_timestamp() + the_mark_ttl * interval '1 millisecond';
  INSERT INTO express_logout_users AS u (app, key, user_id, mark_id, mark, mark_until, kept, until)
  VALUES (the_app, the_user, the_user_id, the_mark_id, the_mark, ends_until, what_is_kept, ends_until)
  ON CONFLICT (app, key) DO UPDATE SET expires = spared_until, shown = spared_shown, mark_id = the_mark_id, mark = the_mark,
    mark_until = ends_until, spared = NULL, kept = what_is_kept, until = greatest(u.until, ends_until);
  RETURN QUERY SELECT * FROM express_logout_kicked WHERE user_key = the_user;
  PERFORM express_logout_in_time(the_deadline);
END $$;

CREATE OR REPLACE FUNCTION express_logout_schema(OUT version integer, OUT serves integer) LANGUAGE sql IMMUTABLE AS $$
  SELECT 5, 1
$$;
